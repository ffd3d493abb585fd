{#- What is looked up in the Linkerd objects that serviceMesh.linkerd.authorizations adds. #}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro namespaceOf(object) -%}
{%- if object.metadata.namespace %}
{{- object.metadata.namespace }}
{%- else %}
{{- stageset.namespace() }}
{%- endif %}
{%- endmacro %}

{#- Prints something for a label that the controller's pods don't have. #}
{%- macro otherLabels(wanted) -%}
{%- set labels = merge_overwrite(from_yaml(stageset.labels()), Values.pod.additionalLabels) %}
{%- for key in keys(wanted) %}
{%- if get(labels, key) != get(wanted, key) %}
{{- key }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints something for a Server of a port of the controller's pods, by number or by name. Expressions are not looked into:
such a Server is not counted as one that covers the port. #}
{%- macro server(object, port, number) -%}
{%- if object.kind == "Server" and object.apiVersion | has_prefix("policy.linkerd.io/") and namespaceOf(object) == stageset.namespace() and object.spec and object.spec.port and object.spec.podSelector is defined %}
{%- if has(object.spec.port | to_string, [port, number | int | to_string]) %}
{%- if not object.spec.podSelector.matchExpressions and (not object.spec.podSelector.matchLabels or not otherLabels(object.spec.podSelector.matchLabels)) %}
{{- object.metadata.name }}
{%- endif %}
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro servers(port, number) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{{- server(object, port, number) }}
{%- endfor %}
{%- endmacro %}
