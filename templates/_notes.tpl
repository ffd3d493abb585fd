{#- The rows of the table in NOTES.txt: port, number, named by a policy, plaintext accepted, callers. #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_helpers.tpl" as stageset with context %}
{%- import "_rules_istio_texts.tpl" as texts with context %}

{%- macro istioCallers(port, number, sources) -%}
{%- if sources %}
{%- set added = "" %}
{%- if istioOpened(number) %}
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
{%- macro istioOpened(number) -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- if not rule.to -%}
yes
{%- endif %}
{%- for item in rule.to %}
{%- if texts.reaches(item.operation, number) -%}
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
{%- set added = linkerdOpened(port) %}
{%- if added %}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", "(2)") }}
{%- else %}
{{- printf("%-8s %-6d %-5s %-9s ", port, number | int, "yes", "no") }}
{%- endif %}
{%- if sources %}
{{- linkerdNames(sources) | trim | replace(" ", ", ") }}
{%- else -%}
any meshed caller with a DNS identity
{%- endif %}
{%- if added %}, and others (2){% endif %}
{%- endmacro %}

{#- Prints something when an added object is for a rendered Server, or for its namespace or a route of it that a policy is
for, or takes its port past the proxy. #}
{%- macro linkerdOpened(port) -%}
{%- set name = printf("%s-%s", stageset.name(), port) %}
{%- set routes = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "AuthorizationPolicy" and authorizations.defined(object) %}
{%- set _ = set(routes, printf("%s %s", object.spec.targetRef.kind, object.spec.targetRef.name), true) %}
{%- endif %}
{%- endfor %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "Namespace" and object.metadata.name == stageset.namespace() and object.metadata.annotations %}
{{- authorizations.skips(object.metadata.annotations, get(Values.ports, port)) }}
{%- elif has(object.kind, ["AuthorizationPolicy", "ServerAuthorization", "HTTPRoute", "GRPCRoute"]) and authorizations.defined(object) and authorizations.namespaceOf(object) == stageset.namespace() %}
{%- if object.kind == "AuthorizationPolicy" %}
{%- if object.spec.targetRef.kind == "Namespace" or (object.spec.targetRef.kind == "Server" and object.spec.targetRef.name == name) %}
{{- object.metadata.name }}
{%- endif %}
{%- elif object.kind == "ServerAuthorization" %}
{%- if object.spec.server.name is defined %}
{%- if object.spec.server.name == name %}
{{- object.metadata.name }}
{%- endif %}
{%- elif not authorizations.others(object.spec.server.selector, from_yaml(stageset.labels())) %}
{{- object.metadata.name }}
{%- endif %}
{%- elif has_key(routes, printf("%s %s", object.kind, object.metadata.name)) %}
{%- for parent in object.spec.parentRefs %}
{%- if parent.kind == "Server" and parent.name == name and parent.group | default(regex_replace_all("/.*", object.apiVersion, "")) == "policy.linkerd.io" and parent.namespace | default(stageset.namespace()) == stageset.namespace() %}
{{- object.metadata.name }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- No principal holds a blank (values.schema.json), so a blank can stand between two. #}
{%- macro linkerdNames(sources) -%}
{%- for entry in sources %}
{%- for principal in entry.principals %} {{ principal }}{% endfor %}
{%- endfor %}
{%- endmacro %}

{#- Prints something when the default policy rules a port of the table. #}
{%- macro linkerdUncovered() -%}
{%- set covered = authorizations.covered() %}
{%- if not contains("/health/", covered) or (Values.mcp.enabled and not contains("/mcp/", covered)) or (Values.webhook.enabled and not contains("/webhook/", covered)) -%}
true
{%- endif %}
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
