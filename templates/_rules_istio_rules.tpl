{#- What is wrong with, or surprising about, the rules that serviceMesh.istio.rules adds as they are. #}
{%- import "_rules_istio.tpl" as istio with context %}

{%- macro refusals() -%}
{{- tooMany() }}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d]", loop.index0) %}
{%- for item in rule.from %}
{%- set source = printf("%s.from[%d].source", at, loop.index0) %}
{%- if item.source.principals or item.source.notPrincipals %}
{{- istio.principals(printf("%s.principals", source), item.source.principals) }}
{{- exceptPrincipals(printf("%s.notPrincipals", source), item.source.notPrincipals) }}
{%- endif %}
{%- if item.source.namespaces or item.source.notNamespaces %}
{{- istio.namespaces(printf("%s.namespaces", source), item.source.namespaces) }}
{{- istio.namespaces(printf("%s.notNamespaces", source), item.source.notNamespaces) }}
{%- endif %}
{%- endfor %}
{%- for condition in rule.when %}
{%- set when = printf("%s.when[%d]", at, loop.index0) %}
{%- if condition.key == "source.principal" %}
{{- istio.principals(printf("%s.values", when), condition.values) }}
{{- exceptPrincipals(printf("%s.notValues", when), condition.notValues) }}
{%- elif condition.key == "source.namespace" %}
{{- istio.namespaces(printf("%s.values", when), condition.values) }}
{{- istio.namespaces(printf("%s.notValues", when), condition.notValues) }}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- The policy has rules of its own: metrics, then health and webhook in one, and the gate and MCP when they are on. #}
{%- macro tooMany() -%}
{%- set own = 2 %}
{%- if Values.gate.enabled %}
{%- set own = add(own, 1) %}
{%- endif %}
{%- if Values.mcp.enabled %}
{%- set own = add(own, 1) %}
{%- endif %}
{%- if Values.serviceMesh.istio.rules and add(own, Values.serviceMesh.istio.rules | len) > 512 %}
serviceMesh.istio.rules: has {{ Values.serviceMesh.istio.rules | len }} entries beside the policy's own {{ own }}, and Istio takes 512 in all; merge some
{%- endif %}
{%- endmacro %}

{#- A negative pattern that never matches lets in the very caller it names. #}
{%- macro exceptPrincipals(path, list) -%}
{{- istio.principals(path, list) }}
{%- for principal in list %}
{%- if istio.nobody(principal) and not (principal | has_prefix("spiffe://")) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} {{ istio.nobody(principal) }}, so it keeps out nobody; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d]", loop.index0) %}
{%- if not rule.from and not rule.to and not rule.when %}
{{ at }}: has no from, to or when, so it allows every request to every port
{%- elif not (rule.from and rule.to and rule.when) %}
{{- istio.emptied(printf("%s.from", at), rule.from) }}
{{- istio.emptied(printf("%s.to", at), rule.to) }}
{{- istio.emptied(printf("%s.when", at), rule.when) }}
{%- endif %}
{{- sources(at, rule) }}
{{- operations(at, rule) }}
{{- conditions(at, rule) }}
{%- endfor %}
{%- endmacro %}

{%- macro sources(at, rule) -%}
{%- for item in rule.from %}
{%- set source = printf("%s.from[%d].source", at, loop.index0) %}
{%- if item.source.principals %}
{{- istio.strange(printf("%s.principals", source), item.source.principals) }}
{{- istio.apart(source, item.source.principals, item.source.namespaces) }}
{%- endif %}
{%- if item.source.namespaces or item.source.notNamespaces %}
{{- istio.namesake(printf("%s.namespaces", source), item.source.namespaces) }}
{{- istio.namesake(printf("%s.notNamespaces", source), item.source.notNamespaces) }}
{%- endif %}
{%- if (item.source.notPrincipals or item.source.notNamespaces or item.source.notServiceAccounts or item.source.notTrustDomains) and not (item.source.principals or item.source.namespaces or item.source.serviceAccounts or item.source.trustDomains or proves(rule)) %}
{{ source }}: {{ plaintext() }}
{%- endif %}
{%- if item.source.notRequestPrincipals and not item.source.requestPrincipals and not has("*", item.source.notRequestPrincipals) %}
{{ source }}.notRequestPrincipals: {{ tokenless() }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Whether a rule's callers have an identity, whatever its sources say. #}
{%- macro proves(rule) -%}
{%- if Values.serviceMesh.mtls == "strict" -%}
yes
{%- endif %}
{%- for condition in rule.when %}
{%- if identifies(condition.key) and condition.values -%}
yes
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro identifies(key) -%}
{%- if has(key, ["source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"]) -%}
yes
{%- endif %}
{%- endmacro %}

{%- macro plaintext() -%}
names only whom to keep out, and a caller without mTLS has no identity, so it is none of them and is admitted, whoever it is; list whom to admit as well, or set serviceMesh.mtls to strict
{%- endmacro %}

{%- macro tokenless() -%}
a request without a token is none of these and is admitted; list what a token must hold as well
{%- endmacro %}

{%- macro operations(at, rule) -%}
{%- for item in rule.to %}
{%- set operation = printf("%s.to[%d].operation", at, loop.index0) %}
{{- unmatched(printf("%s.methods", operation), item.operation.methods, "^(\\*|\\*?[A-Z0-9_-]+|[A-Z0-9_-]+\\*)$", "a method in upper case") }}
{{- unmatched(printf("%s.hosts", operation), item.operation.hosts, "^(\\*|\\*?[A-Za-z0-9._:-]+|[A-Za-z0-9._:-]+\\*|\\[[0-9A-Fa-f:]+\\](:[0-9]+)?)$", "a host without scheme and path") }}
{{- unmatched(printf("%s.paths", operation), item.operation.paths, "^(\\*|/[^ ?#*]*\\*?|\\*[^ ?#*]+|.*\\{.*)$", "a path from its / to before a ? or #") }}
{%- if item.operation.hosts or item.operation.notHosts %}
{{- portless(printf("%s.hosts", operation), item.operation.hosts) }}
{{- portless(printf("%s.notHosts", operation), item.operation.notHosts) }}
{%- endif %}
{%- if item.operation.ports or item.operation.notPorts %}
{{- foreign(printf("%s.ports", operation), item.operation.ports) }}
{{- foreign(printf("%s.notPorts", operation), item.operation.notPorts) }}
{%- endif %}
{%- if not rule.from and not rule.when %}
{{- opens(operation, item.operation) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Of what Istio takes, what it compares with no request. #}
{%- macro unmatched(path, list, pattern, form) -%}
{%- for text in list %}
{%- if not regex_match(pattern, text) or regex_match("/\\.\\.?(/|$)", text) %}
{{ path }}[{{ loop.index0 }}]: {{ text | quote }} is what no request has, so this allows none; write {{ form }}, with a * alone, first or last
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- What a rule without callers opens to anyone, although values list callers for it. #}
{%- macro opens(at, operation) -%}
{%- for port in [
  dict("name", "gate", "enabled", Values.gate.enabled, "number", Values.ports.gate, "from", Values.serviceMesh.gate.from),
  dict("name", "metrics", "enabled", true, "number", Values.ports.metrics, "from", Values.serviceMesh.metrics.from),
  dict("name", "mcp", "enabled", Values.mcp.enabled, "number", Values.ports.mcp, "from", Values.serviceMesh.mcp.from),
] %}
{%- if port.enabled and port.from and (has(port.number | int | to_string, operation.ports) or not (operation.ports or has(port.number | int | to_string, operation.notPorts))) %}
{{ at }}: is for every caller, because the rule has no from and no when, so what it allows on port {{ port.number | int }} is open to others than serviceMesh.{{ port.name }}.from lists; add a from, or leave the port out
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Istio compares the pod's own ports, not those of its Services. #}
{%- macro foreign(path, list) -%}
{%- if list %}
{%- set known = [Values.ports.health, Values.ports.webhook, Values.ports.gate, Values.ports.metrics, Values.ports.mcp] | join(" ") %}
{%- for port in list %}
{%- if not contains(printf(" %s ", port), printf(" %s ", known)) %}
{{ path }}[{{ loop.index0 }}]: {{ port | quote }} is none of the pod's ports, so no call to the controller has it; write the number of a port as under ports, not that of a Service
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{#- A call's host has the port beside the name, unless it is 80. #}
{%- macro portless(path, list) -%}
{%- if list and not regex_match(":|\\*( |$)", list | join(" ")) %}
{{ path }}: a call names its port beside the host, unless that is 80, and these match hosts without one alone; list {{ printf("%s:%d", list | first, Values.ports.gate | int) | quote }} as well, for the gate
{%- endif %}
{%- endmacro %}

{%- macro conditions(at, rule) -%}
{%- for condition in rule.when %}
{%- set when = printf("%s.when[%d]", at, loop.index0) %}
{%- if condition.key == "source.principal" %}
{{- istio.strange(printf("%s.values", when), condition.values) }}
{%- elif condition.key == "source.namespace" %}
{{- istio.namesake(printf("%s.values", when), condition.values) }}
{{- istio.namesake(printf("%s.notValues", when), condition.notValues) }}
{%- elif condition.key == "destination.port" %}
{{- foreign(printf("%s.values", when), condition.values) }}
{{- foreign(printf("%s.notValues", when), condition.notValues) }}
{%- elif regex_match("^request\\.(headers|auth\\.(claims|audiences|presenter))", condition.key) %}
{{- literal(printf("%s.values", when), condition.values) }}
{{- literal(printf("%s.notValues", when), condition.notValues) }}
{%- endif %}
{%- if not rule.from and identifies(condition.key) and not proves(rule) %}
{{ when }}: {{ plaintext() }}
{%- endif %}
{%- if condition.key | has_prefix("request.auth.") and not condition.values and not has("*", condition.notValues) %}
{{ when }}: {{ tokenless() }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro literal(path, list) -%}
{%- for value in list %}
{%- if not regex_match("^(\\*|\\*[^*]+|[^*]+\\*?)$", value) %}
{{ path }}[{{ loop.index0 }}]: {{ value | quote }} has a * that is neither alone, first nor last, and Istio takes that one literally; list the texts, or let the * be at an end
{%- endif %}
{%- endfor %}
{%- endmacro %}
