{#- What is wrong with, or surprising about, the rules that serviceMesh.istio.rules adds as they are. #}
{%- import "_rules_istio.tpl" as istio with context %}
{%- import "_rules_istio_texts.tpl" as texts with context %}

{#- The policy has rules of its own: metrics, then health and webhook in one, and the gate and MCP when they are on. #}
{%- macro refusals() -%}
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
{{- texts.fields(source, item.source) }}
{%- if item.source.principals and item.source.namespaces %}
{{- istio.apart(source, item.source.principals, item.source.namespaces) }}
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
{{- texts.fields(operation, item.operation) }}
{%- if not rule.from and not rule.when %}
{{- opens(operation, item.operation) }}
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
{%- if port.enabled and port.from and texts.reaches(operation, port.number) %}
{{ at }}: is for every caller, because the rule has no from and no when, so what it allows on port {{ port.number | int }} is open to others than serviceMesh.{{ port.name }}.from lists; add a from, or leave the port out
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro conditions(at, rule) -%}
{%- for condition in rule.when %}
{%- set when = printf("%s.when[%d]", at, loop.index0) %}
{{- texts.compared(printf("%s.values", when), condition.key, condition.values) }}
{%- if condition.notValues %}
{{- texts.compared(printf("%s.notValues", when), condition.key, condition.notValues) }}
{{- texts.excepted(printf("%s.notValues", when), condition.values, condition.notValues) }}
{%- endif %}
{%- if not rule.from and identifies(condition.key) and not proves(rule) %}
{{ when }}: {{ plaintext() }}
{%- endif %}
{%- if condition.key | has_prefix("request.auth.") and not condition.values and not has("*", condition.notValues) %}
{{ when }}: {{ tokenless() }}
{%- endif %}
{%- endfor %}
{%- endmacro %}
