{#- The shared pieces: every template has them as `stageset`. #}

{%- macro name() -%}
{{ Chart.Name }}
{%- endmacro %}

{%- macro image() -%}
{%- set tag = Values.image.tag | default(Chart.AppVersion) -%}
{{ Values.image.registry }}/{{ Values.image.repository }}:{{ tag }}
{%- endmacro %}

{%- macro labels() -%}
app.kubernetes.io/name: {{ Chart.Name }}
app.kubernetes.io/component: controller
app.kubernetes.io/instance: {{ Release.Name | quote }}
app.kubernetes.io/version: {{ Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ Chart.Name }}
app.kubernetes.io/managed-by: {{ Release.Service }}
helm.sh/chart: {{ Chart.Name }}-{{ Chart.Version | replace("+", "_") }}
{%- endmacro %}

{#- What a selector may hold: a selector is immutable, so nothing that changes from release to release. #}
{%- macro selectorLabels() -%}
app.kubernetes.io/name: {{ Chart.Name }}
app.kubernetes.io/component: controller
app.kubernetes.io/instance: {{ Release.Name | quote }}
app.kubernetes.io/part-of: {{ Chart.Name }}
{%- endmacro %}

{%- macro namespace() -%}
{{ Release.Namespace }}
{%- endmacro %}

{#- Prints something when an autoscaler decides how many pods run. #}
{%- macro scaling() -%}
{%- if Values.replicas.max | int > Values.replicas.min | int -%}
true
{%- endif %}
{%- endmacro %}

{#- Prints something when more than one pod may run. #}
{%- macro multiReplica() -%}
{%- if Values.replicas.max | int > 1 or Values.replicas.min | int > 1 -%}
true
{%- endif %}
{%- endmacro %}

{#- Containers of one pod run at once, so each has a cache directory of its own. #}
{%- macro cleanupContainer(name, scopeArg, cacheDir) -%}
- name: {{ name }}
  image: {{ printf("%s/%s:%s", Values.cleanupOnDelete.image.registry, Values.cleanupOnDelete.image.repository, Values.cleanupOnDelete.image.tag) | trim | quote }}
  imagePullPolicy: {{ Values.cleanupOnDelete.image.pullPolicy }}
  args:
    - delete
    - stagesets.stages.metio.wtf
    - --all
    - {{ scopeArg }}
    - --wait=true
    - --timeout={{ Values.cleanupOnDelete.kubectlTimeout }}
    - --ignore-not-found
    - --cache-dir={{ cacheDir }}
  volumeMounts:
    - name: cache
      mountPath: /tmp
  securityContext:
    runAsNonRoot: true
    runAsGroup: 65532
    runAsUser: 65532
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop:
        - ALL
    seccompProfile:
      type: RuntimeDefault
  {#- Requests equal limits: the pod is of the class Guaranteed, the last to be evicted. #}
  resources:
    requests:
      cpu: {{ Values.cleanupOnDelete.resources.cpu }}
      memory: {{ Values.cleanupOnDelete.resources.memory }}
      ephemeral-storage: {{ Values.cleanupOnDelete.resources.ephemeralStorage }}
    limits:
      cpu: {{ Values.cleanupOnDelete.resources.cpu }}
      memory: {{ Values.cleanupOnDelete.resources.memory }}
      ephemeral-storage: {{ Values.cleanupOnDelete.resources.ephemeralStorage }}
{%- endmacro %}
