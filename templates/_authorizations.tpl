{#- What is looked up in the Linkerd objects that serviceMesh.linkerd.authorizations adds. #}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro namespaceOf(object) -%}
{%- if object.metadata.namespace %}
{{- object.metadata.namespace }}
{%- else %}
{{- stageset.namespace() }}
{%- endif %}
{%- endmacro %}

{#- Prints something for a label selector that does not select the controller's pods. #}
{%- macro others(selector) -%}
{%- set labels = merge_overwrite(from_yaml(stageset.labels()), Values.pod.additionalLabels) %}
{%- if selector.matchLabels %}
{%- for key in keys(selector.matchLabels) %}
{%- if get(labels, key) != get(selector.matchLabels, key) %}
{{- key }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- for wanted in selector.matchExpressions %}
{%- if wanted.operator == "In" and not has(get(labels, wanted.key), wanted.values) %}
{{- wanted.key }}
{%- elif wanted.operator == "NotIn" and has_key(labels, wanted.key) and has(get(labels, wanted.key), wanted.values) %}
{{- wanted.key }}
{%- elif wanted.operator == "Exists" and not has_key(labels, wanted.key) %}
{{- wanted.key }}
{%- elif wanted.operator == "DoesNotExist" and has_key(labels, wanted.key) %}
{{- wanted.key }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints something for a Server of a port of the controller's pods, by number or by name. #}
{%- macro server(object, port, number) -%}
{%- if object.kind == "Server" and object.apiVersion | has_prefix("policy.linkerd.io/") and namespaceOf(object) == stageset.namespace() and object.spec and object.spec.port and object.spec.podSelector is defined %}
{%- if has(object.spec.port | to_string, [port, number | int | to_string]) %}
{%- if not others(object.spec.podSelector) %}
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
