{#- Labels and annotations that a value adds. #}
{%- import "_helpers.tpl" as stageset with context %}

{#- A label that is rendered already would stand twice in one map, and a selector could lose its pods. #}
{%- macro twice(path, map) -%}
{%- if map %}
{%- set labels = printf("\n%s", stageset.labels()) %}
{%- for key in keys(map) | sort_alpha %}
{%- if contains(printf("\n%s: ", key), labels) %}
{{ path }}.{{ key | quote }}: is a label that every object of the release has already; choose another
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{#- Kubernetes takes 256 KiB of annotations, keys and values counted in bytes. #}
{%- macro tooLarge(path, map) -%}
{%- if map %}
{%- set size = len(written(map)) %}
{%- if size > 262144 %}
{{ path }}: has {{ size }} bytes of keys and values, and an object takes 262144 at most; write less
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro written(map) -%}
{%- for key in keys(map) | sort_alpha %}
{{- key }}{{ get(map, key) }}
{%- endfor %}
{%- endmacro %}
