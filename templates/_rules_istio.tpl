{#- What Istio's callers and rules may be: https://istio.io/latest/docs/reference/config/security/authorization-policy/ #}

{%- macro refusals() -%}
{{- callers("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- callers("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- callers("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
{{- passedThrough() }}
{%- endmacro %}

{#- Istio compares principals exactly, or with one `*` alone, first or last; any other `*` is a plain character. #}
{%- macro callers(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- principals(printf("%s.principals", at), entry.principals) }}
{{- namespaces(printf("%s.namespaces", at), entry.namespaces) }}
{%- endfor %}
{%- endmacro %}

{%- macro principals(path, list) -%}
{%- for principal in list %}
{%- if principal | has_prefix("spiffe://") %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} never matches, because Istio compares identities without the scheme; write {{ principal | trim_prefix("spiffe://") | quote }}
{%- elif not regex_match("^(\\*|\\*[^*]+|[^*]+\\*?)$", principal) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} has a * where Istio takes it literally; it may stand alone, first or last
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro namespaces(path, list) -%}
{%- for namespace in list %}
{%- if regex_match("^\\*s?a$", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} matches every meshed caller, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/<namespace>/sa/<service account>; list the namespaces by name
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A rule is passed through as it is, but its callers are held to the same: a pattern of notPrincipals that never matches
would let in the very caller it names. #}
{%- macro passedThrough() -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d].from", loop.index0) %}
{%- for item in rule.from %}
{%- set source = printf("%s[%d].source", at, loop.index0) %}
{{- principals(printf("%s.principals", source), item.source.principals) }}
{{- principals(printf("%s.notPrincipals", source), item.source.notPrincipals) }}
{{- namespaces(printf("%s.namespaces", source), item.source.namespaces) }}
{{- namespaces(printf("%s.notNamespaces", source), item.source.notNamespaces) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{{- linkerdNames("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- linkerdNames("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- linkerdNames("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
{%- if Values.serviceMesh.mtls == "permissive" and (Values.serviceMesh.gate.from or Values.serviceMesh.metrics.from or Values.serviceMesh.mcp.from) %}
serviceMesh.mtls: permissive accepts plaintext, but a plaintext caller has no identity and never matches the callers listed under serviceMesh.<port>.from; use strict to refuse it at the door
{%- endif %}
{%- if Values.serviceMesh.linkerd.authorizations %}
serviceMesh.linkerd.authorizations: ignored, because serviceMesh.engine is istio
{%- endif %}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d]", loop.index0) %}
{%- if not rule.from and not rule.to and not rule.when %}
{{ at }}: has no from, to or when, so it allows every request to every port
{%- else %}
{{- emptied(printf("%s.from", at), rule.from) }}
{{- emptied(printf("%s.to", at), rule.to) }}
{{- emptied(printf("%s.when", at), rule.when) }}
{%- endif %}
{{- dropped(at, omit(rule, "from", "to", "when")) }}
{%- for item in rule.from %}
{{- dropped(printf("%s.from[%d]", at, loop.index0), omit(item, "source")) }}
{{- dropped(printf("%s.from[%d].source", at, loop.index0), omit(item.source, "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts", "trustDomains", "notTrustDomains", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks")) }}
{%- endfor %}
{%- for item in rule.to %}
{{- dropped(printf("%s.to[%d]", at, loop.index0), omit(item, "operation")) }}
{{- dropped(printf("%s.to[%d].operation", at, loop.index0), omit(item.operation, "hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")) }}
{%- endfor %}
{%- for item in rule.when %}
{{- dropped(printf("%s.when[%d]", at, loop.index0), omit(item, "key", "values", "notValues")) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdNames(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for principal in entry.principals %}
{%- if principal | contains(".serviceaccount.identity.linkerd.") %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is a Linkerd identity, which no caller in Istio has; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro emptied(path, items) -%}
{%- if items is defined and not items %}
{{ path }}: an empty list counts as none in Istio, so it restricts nothing; fill it, or leave it out
{%- endif %}
{%- endmacro %}

{%- macro dropped(path, unknown) -%}
{%- for key in keys(unknown) | sort_alpha %}
{{ path }}: Istio knows no {{ key | quote }} here and drops it, and the restriction with it
{%- endfor %}
{%- endmacro %}
