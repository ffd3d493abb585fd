{#- The rows of the table in NOTES.txt: who may call which port. #}
{%- import "_authorizations.tpl" as authorizations with context %}

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
any meshed caller with a DNS identity
{%- endif %}
{%- endmacro %}

{#- No principal holds a blank (values.schema.json), so a blank can stand between two. #}
{%- macro linkerdNames(sources) -%}
{%- for entry in sources %}
{%- for principal in entry.principals %} {{ principal }}{% endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdDefault(port, number, denied) -%}
{%- if authorizations.covered() | contains(printf("/%s/", port)) %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "yes", "(2)", "(2)") }}
{%- elif Values.serviceMesh.defaultDeny.enabled and Values.namespace.create %}
{%- if denied == "nobody" %}
{{- printf("%-8s %-6d %-5s %-9s %s (1)", port, number | int, "no", "no", denied) }}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s %s (1)", port, number | int, "no", "yes", denied) }}
{%- endif %}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "yes", "anyone (1)") }}
{%- endif %}
{%- endmacro %}
