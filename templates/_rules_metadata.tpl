{#- Labels that a value adds. #}
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
