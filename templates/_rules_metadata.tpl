{#- Keys of labels and annotations: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ #}
{%- import "_helpers.tpl" as stageset with context %}

{#- The keys of labels and annotations; their values are a matter of values.schema.json. #}
{%- macro names(path, map) -%}
{%- if map %}
{%- for key in keys(map) | sort_alpha %}
{%- if not regex_match("^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", key) %}
{{ path }}: {{ key | quote }} is no key that Kubernetes takes; write <name> or <DNS name>/<name>, where a name has letters, digits, -, _ and ., at most 63
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{#- A label that is rendered already would stand twice in one map, and a selector could lose its pods. #}
{%- macro twice(path, map) -%}
{%- if map %}
{%- set labels = from_yaml(stageset.labels()) %}
{%- for key in keys(map) | sort_alpha %}
{%- if has_key(labels, key) %}
{{ path }}.{{ key | quote }}: is a label that every object of the release has already; choose another
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}
