{#- The shared pieces, imported by every template as `stageset`. #}

{%- macro name() -%}
{{ Chart.Name }}
{%- endmacro %}

{%- macro namespace() -%}
{{ Release.Namespace }}
{%- endmacro %}

{#- What a selector may hold: a selector is immutable, so nothing that changes from release to release. #}
{%- macro selectorLabels() -%}
app.kubernetes.io/name: {{ name() }}
app.kubernetes.io/component: controller
app.kubernetes.io/instance: {{ Release.Name | quote }}
app.kubernetes.io/part-of: {{ name() }}
{%- endmacro %}

{%- macro labels() -%}
app.kubernetes.io/name: {{ name() }}
app.kubernetes.io/component: controller
app.kubernetes.io/instance: {{ Release.Name | quote }}
app.kubernetes.io/version: {{ Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ name() }}
app.kubernetes.io/managed-by: {{ Release.Service }}
helm.sh/chart: {{ printf("%s-%s", Chart.Name, Chart.Version) | replace("+", "_") | quote }}
{%- endmacro %}

{#- One Istio source per entry: the fields of a source must all match, any one source is enough. #}
{%- macro istioSources(sources) -%}
{%- for entry in sources %}
- source:
    {%- if entry.principals %}
    principals:
      {{- entry.principals | to_yaml | nindent(6) }}
    {%- endif %}
    {%- if entry.namespaces %}
    namespaces:
      {{- entry.namespaces | to_yaml | nindent(6) }}
    {%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Every principal of every entry: Linkerd has one flat list of identities and no notion of a namespace. #}
{%- macro linkerdIdentities(sources) -%}
{%- for entry in sources %}
{%- for principal in entry.principals %}
- {{ principal | quote }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- A Server takes a port out of the default policy; the other two say who may call it. #}
{%- macro linkerdPort(port, number, sources) -%}
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata:
  name: {{ name() }}-{{ port }}
  namespace: {{ namespace() | quote }}
  labels:
    {{- labels() | nindent(4) }}
spec:
  podSelector:
    matchLabels:
      {{- selectorLabels() | nindent(6) }}
  port: {{ number | int }}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata:
  name: {{ name() }}-{{ port }}
  namespace: {{ namespace() | quote }}
  labels:
    {{- labels() | nindent(4) }}
spec:
  identities:
    {%- if sources %}
    {{- linkerdIdentities(sources) | trim | nindent(4) }}
    {%- else %}
    - "*"
    {%- endif %}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata:
  name: {{ name() }}-{{ port }}
  namespace: {{ namespace() | quote }}
  labels:
    {{- labels() | nindent(4) }}
spec:
  targetRef:
    group: policy.linkerd.io
    kind: Server
    name: {{ name() }}-{{ port }}
  requiredAuthenticationRefs:
    - group: policy.linkerd.io
      kind: MeshTLSAuthentication
      name: {{ name() }}-{{ port }}
{%- endmacro %}

{%- macro namespaceOf(object) -%}
{%- if object.metadata.namespace %}
{{- object.metadata.namespace }}
{%- else %}
{{- namespace() }}
{%- endif %}
{%- endmacro %}

{#- Prints something for a label that the controller's pods don't have. #}
{%- macro otherLabels(wanted) -%}
{%- set labels = merge_overwrite(from_yaml(labels()), Values.pod.additionalLabels) %}
{%- for key in keys(wanted) %}
{%- if get(labels, key) != get(wanted, key) %}
{{- key }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints something for a Server of a port of the controller's pods, by number or by name. Expressions are not looked into:
such a Server is not counted as one that covers the port. #}
{%- macro linkerdServer(object, port, number) -%}
{%- if object.kind == "Server" and object.apiVersion | has_prefix("policy.linkerd.io/") and namespaceOf(object) == namespace() and object.spec and object.spec.port and object.spec.podSelector is defined %}
{%- if has(object.spec.port | to_string, [port, number | int | to_string]) %}
{%- if not object.spec.podSelector.matchExpressions and (not object.spec.podSelector.matchLabels or not otherLabels(object.spec.podSelector.matchLabels)) %}
{{- object.metadata.name }}
{%- endif %}
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro linkerdServers(port, number) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{{- linkerdServer(object, port, number) }}
{%- endfor %}
{%- endmacro %}

{#- Rows of the table in NOTES.txt: port, number, named by a policy, plaintext accepted, callers. #}
{%- macro istioCallers(port, number, sources) -%}
{%- if sources %}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", "no") }}
{%- for entry in sources %}
{%- if loop.index0 %}; {% endif %}
{{- entry.principals | join(", ") }}
{%- if entry.principals and entry.namespaces %} in {% endif %}
{%- if entry.namespaces %}namespace {{ entry.namespaces | join(", ") }}{% endif %}
{%- endfor %}
{%- elif Values.serviceMesh.mtls == "strict" %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "no", "any meshed caller") }}
{%- else %}
{{- istioOpen(port, number) }}
{%- endif %}
{%- endmacro %}

{%- macro istioOpen(port, number) -%}
{%- if Values.serviceMesh.mtls %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "yes", "anyone") }}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "yes (1)", "anyone") }}
{%- endif %}
{%- endmacro %}

{%- macro linkerdCallers(port, number, sources) -%}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", "no") }}
{%- if sources %}
{{- linkerdNames(sources) | trim | replace(" ", ", ") }}
{%- else -%}
any meshed caller
{%- endif %}
{%- endmacro %}

{#- No principal holds a blank (values.schema.json), so a blank can stand between two. #}
{%- macro linkerdNames(sources) -%}
{%- for entry in sources %}
{%- for principal in entry.principals %} {{ principal }}{% endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdDefault(port, number, denied) -%}
{%- if linkerdServers(port, number) %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "yes", "(2)", "(2)") }}
{%- elif Values.serviceMesh.defaultDeny.enabled and Values.namespace.create %}
{{- printf("%-8s %-6d %-5s %-9s %s (1)", port, number | int, "no", "no", denied) }}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "yes", "anyone (1)") }}
{%- endif %}
{%- endmacro %}

{#- Network policies and monitoring: one ingress rule for one port in each dialect, and what the alerts share. #}

{%- macro networkPolicyPort(port, peers) -%}
- ports:
    - port: {{ port }}
      protocol: TCP
  {%- if peers %}
  from:
    {{- peers | to_yaml | nindent(4) }}
  {%- endif %}
{%- endmacro %}

{%- macro ciliumPort(number) -%}
- toPorts:
    - ports:
        - port: {{ number | int | quote }}
          protocol: TCP
{%- endmacro %}

{%- macro calicoPort(protocol, number) -%}
- action: Allow
  protocol: {{ protocol }}
  destination:
    ports:
      - {{ number | int }}
{%- endmacro %}

{%- macro clusterNetworkPolicyPort(port, number) -%}
- name: {{ port }}
  action: Accept
  from:
    - namespaces: {}
  protocols:
    - tcp:
        destinationPort:
          number: {{ number | int }}
{%- endmacro %}

{#- Prometheus gives the label `namespace` to what it scrapes, the controller, and moves the one that the controller wrote,
a StageSet's, to `exported_namespace`, unless a scrape honors its labels. Either way this is the StageSet's again. #}
{%- macro ofStageSets(series) -%}
label_replace({{ series }}, "namespace", "$1", "exported_namespace", "(.+)")
{%- endmacro %}

{%- macro alertLabels(severity) -%}
{%- if Values.metrics.prometheusRule.extraAlertLabels.severity is not defined %}
severity: {{ severity }}
{%- endif %}
{%- if Values.metrics.prometheusRule.extraAlertLabels %}
{{ Values.metrics.prometheusRule.extraAlertLabels | to_yaml }}
{%- endif %}
{%- endmacro %}

{%- macro runbook(page) -%}
{{ Values.metrics.prometheusRule.runbookAnnotationKey | quote }}: "https://stageset.projects.metio.wtf/runbooks/{{ page }}/"
{%- endmacro %}

{#- The workload: what the Deployment, its companions and the cleanup Job share. #}

{%- macro image() -%}
{%- if Values.image.tag %}
{{- printf("%s/%s:%s", Values.image.registry, Values.image.repository, Values.image.tag) }}
{%- else %}
{{- printf("%s/%s:%s", Values.image.registry, Values.image.repository, Chart.AppVersion) }}
{%- endif %}
{%- endmacro %}

{#- Prints something when an autoscaler decides how many pods run. #}
{%- macro scaling() -%}
{%- if Values.replicas.max | int > Values.replicas.min | int %}true{% endif %}
{%- endmacro %}

{#- Prints something when more than one pod may run. #}
{%- macro multiReplica() -%}
{%- if Values.replicas.max | int > 1 or Values.replicas.min | int > 1 %}true{% endif %}
{%- endmacro %}

{#- Prints something when the controller makes its own webhook certificate and writes it into the configuration. #}
{%- macro selfSigned() -%}
{%- if Values.webhook.enabled and Values.webhook.certMode == "self-signed" %}true{% endif %}
{%- endmacro %}

{#- Prints something when cert-manager issues the webhook's certificate. #}
{%- macro certManager() -%}
{%- if Values.webhook.enabled and Values.webhook.certMode == "cert-manager" %}true{% endif %}
{%- endmacro %}

{#- The cluster-wide objects of a release bear its namespace in their name. #}
{%- macro webhookConfiguration() -%}
{{ name() }}-{{ namespace() }}
{%- endmacro %}

{%- macro serviceAccount(account) -%}
- kind: ServiceAccount
  name: {{ account }}
  namespace: {{ namespace() | quote }}
{%- endmacro %}

{#- Requests equal limits: the pod is of the class Guaranteed, the last to be evicted. #}
{%- macro resources(amounts) -%}
requests:
  cpu: {{ amounts.cpu }}
  memory: {{ amounts.memory }}
  ephemeral-storage: {{ amounts.ephemeralStorage }}
limits:
  cpu: {{ amounts.cpu }}
  memory: {{ amounts.memory }}
  ephemeral-storage: {{ amounts.ephemeralStorage }}
{%- endmacro %}

{#- A Service on a named port of the pod. #}
{%- macro service(port, number) -%}
apiVersion: v1
kind: Service
metadata:
  name: {{ name() }}-{{ port }}
  namespace: {{ namespace() | quote }}
  labels:
    {{- labels() | nindent(4) }}
spec:
  type: ClusterIP
  selector:
    {{- selectorLabels() | nindent(4) }}
  ports:
    - name: {{ port }}
      port: {{ number | int }}
      targetPort: {{ port }}
      protocol: TCP
{%- endmacro %}

{#- Hooks of a lower weight come first. What succeeded is deleted: a hook's object is no part of the release. #}
{%- macro cleanupHook(weight) -%}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{%- endmacro %}

{%- macro cleanupRules() -%}
rules:
  - apiGroups: [stages.metio.wtf]
    resources: [stagesets]
    verbs: [get, list, delete, patch]
{%- endmacro %}

{#- A container's name is a DNS label, and so has at most 63 characters. #}
{%- macro cleanupName(namespace) -%}
{{ regex_replace_all("-+$", trunc(63, printf("cleanup-%s", namespace)), "") }}
{%- endmacro %}

{#- Containers of one pod run at once, so each has a cache directory of its own. #}
{%- macro cleanupContainer(container, scope, cache) -%}
- name: {{ container }}
  image: {{ printf("%s/%s:%s", Values.cleanupOnDelete.image.registry, Values.cleanupOnDelete.image.repository, Values.cleanupOnDelete.image.tag) | quote }}
  imagePullPolicy: {{ Values.cleanupOnDelete.image.pullPolicy }}
  args:
    - delete
    - stagesets.stages.metio.wtf
    - --all
    - {{ scope }}
    - --wait=true
    - --timeout={{ Values.cleanupOnDelete.kubectlTimeout }}
    - --ignore-not-found
    - --cache-dir=/tmp/{{ cache }}
  volumeMounts:
    - name: cache
      mountPath: /tmp
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
    seccompProfile:
      type: RuntimeDefault
  resources:
    {{- resources(Values.cleanupOnDelete.resources) | nindent(4) }}
{%- endmacro %}
