{#- What Istio's callers may be: https://istio.io/latest/docs/reference/config/security/authorization-policy/ #}
{%- import "_rules_istio_texts.tpl" as texts with context %}

{%- macro warnings() -%}
{{- callers("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- callers("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- callers("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
{%- if Values.serviceMesh.mtls == "permissive" and (Values.serviceMesh.gate.from or Values.serviceMesh.metrics.from or Values.serviceMesh.mcp.from) %}
serviceMesh.mtls: permissive accepts plaintext, but a plaintext caller has no identity and never matches the callers listed under serviceMesh.<port>.from; use strict to refuse it at the door
{%- endif %}
{%- if Values.serviceMesh.linkerd.authorizations %}
serviceMesh.linkerd.authorizations: ignored, because serviceMesh.engine is istio
{%- endif %}
{%- endmacro %}

{%- macro callers(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- emptied(printf("%s.principals", at), entry.principals) }}
{{- emptied(printf("%s.namespaces", at), entry.namespaces) }}
{{- texts.fields(at, entry) }}
{{- apart(at, entry.principals, entry.namespaces) }}
{%- endfor %}
{%- endmacro %}

{#- The principals and the namespaces of one entry must both match. What is a pattern may. #}
{%- macro apart(at, principals, namespaces) -%}
{%- if principals and namespaces %}
{%- set listed = dict() %}
{%- for namespace in namespaces %}
{%- set _ = set(listed, regex_replace_all("^.*\\*.*$", namespace, "*"), true) %}
{%- endfor %}
{%- set met = dict("met", has_key(listed, "*")) %}
{%- for principal in principals %}
{%- set namespace = regex_replace_all("^.*/ns/([^/*]+)/.*$", principal, "${1}") %}
{%- if namespace | contains("*") or has_key(listed, namespace) %}
{%- set _ = set(met, "met", true) %}
{%- endif %}
{%- endfor %}
{%- if not met.met %}
{{ at }}: admits nobody, because a caller must be among the principals and of the namespaces too, and none of these principals is of these namespaces; write an entry for each to admit either
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro emptied(path, items) -%}
{%- if items is defined and not items %}
{{ path }}: an empty list counts as none in Istio, so it restricts nothing; fill it, or leave it out
{%- endif %}
{%- endmacro %}
