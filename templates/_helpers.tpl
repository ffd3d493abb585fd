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

{#- The Servers among serviceMesh.linkerd.authorizations that cover a port, by number or by name. #}
{%- macro linkerdServers(port, number) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "Server" and object.spec and object.spec.port and has(object.spec.port | to_string, [number | int | to_string, port]) %}
{{- object.metadata.name }}
{%- endif %}
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
