{#- The rows of the table in NOTES.txt: who may call which port. #}
{%- import "_authorizations.tpl" as authorizations with context %}

{#- Rows of the table in NOTES.txt: port, number, named by a policy, plaintext accepted, callers. #}
{%- macro istioCallers(port, number, sources) -%}
{%- if sources %}
{%- set added = "" %}
{%- if opened(number) %}
{%- set added = " (2)" %}
{%- endif %}
{%- if Values.serviceMesh.mtls == "strict" %}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", "no") }}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", printf("no%s", added)) }}
{%- endif %}
{%- for entry in sources %}
{%- if loop.index0 %}; {% endif %}
{{- entry.principals | join(", ") }}
{%- if entry.principals and entry.namespaces %} in {% endif %}
{%- if entry.namespaces %}namespace {{ entry.namespaces | join(", ") }}{% endif %}
{%- endfor %}
{{- added }}
{%- elif Values.serviceMesh.mtls == "strict" %}
{{- printf("%-8s %-6d %-5s %-9s %s", port, number | int, "no", "no", "any meshed caller") }}
{%- else %}
{{- istioOpen(port, number) }}
{%- endif %}
{%- endmacro %}

{#- Whether an added rule allows calls to a port, whoever its callers are. #}
{%- macro opened(number) -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- if not rule.to -%}
yes
{%- endif %}
{%- for item in rule.to %}
{%- if has(number | int | to_string, item.operation.ports) or not (item.operation.ports or has(number | int | to_string, item.operation.notPorts)) -%}
yes
{%- endif %}
{%- endfor %}
{%- endfor %}
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
{%- if authorizations.servers(port, number) %}
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
