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

{#- Istio looks for `/ns/<pattern>/` anywhere in <trust domain>/ns/<namespace>/sa/<service account>, with any text for a `*`:
what may stand behind a `*` can so be found in the `/sa/` that every caller has. #}
{%- macro namespaces(path, list) -%}
{%- for namespace in list %}
{%- if regex_match("\\*(/?s?a$|/?s?a?\\*)", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} is not held to the end of the namespace's name, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/<namespace>/sa/<service account>; list the namespaces by name, or by <beginning>*
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Why no caller has an identity; nothing when one may. #}
{%- macro nobody(principal) -%}
{%- if principal | contains(".serviceaccount.identity.linkerd.") -%}
is a Linkerd identity
{%- elif principal | has_prefix("system:serviceaccount:") -%}
is a user of kube-apiserver
{%- elif regex_match("[A-Z]", principal) -%}
has upper-case letters
{%- elif regex_match("[,; ]", principal) -%}
has more than one in one text
{%- elif regex_match("^/|/$|//", principal) -%}
has a slash too many
{%- elif regex_match("^[^/]*:[0-9]+/", principal) -%}
has a port in its trust domain
{%- elif not regex_match("\\*|^[^/]+/ns/[^/]+/sa/[^/]+$", principal) -%}
is not of the form of one
{%- endif %}
{%- endmacro %}

{#- A negative pattern that never matches lets in the very caller it names. #}
{%- macro exceptPrincipals(path, list) -%}
{{- principals(path, list) }}
{%- for principal in list %}
{%- if nobody(principal) and not (principal | has_prefix("spiffe://")) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} {{ nobody(principal) }}, so it keeps out nobody; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro exceptNamespaces(path, list) -%}
{{- namespaces(path, list) }}
{%- for namespace in list %}
{%- if not regex_match("^[a-z0-9*-]+$", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} is the name of no namespace, so it keeps out nobody; write lower-case letters, digits and -
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A rule is passed through as it is, but its callers are held to the same. #}
{%- macro passedThrough() -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d]", loop.index0) %}
{%- for item in rule.from %}
{%- set source = printf("%s.from[%d].source", at, loop.index0) %}
{{- principals(printf("%s.principals", source), item.source.principals) }}
{{- exceptPrincipals(printf("%s.notPrincipals", source), item.source.notPrincipals) }}
{{- namespaces(printf("%s.namespaces", source), item.source.namespaces) }}
{{- exceptNamespaces(printf("%s.notNamespaces", source), item.source.notNamespaces) }}
{%- endfor %}
{%- for condition in rule.when %}
{%- set when = printf("%s.when[%d]", at, loop.index0) %}
{%- if condition.key == "source.principal" %}
{{- principals(printf("%s.values", when), condition.values) }}
{{- exceptPrincipals(printf("%s.notValues", when), condition.notValues) }}
{%- elif condition.key == "source.namespace" %}
{{- namespaces(printf("%s.values", when), condition.values) }}
{{- exceptNamespaces(printf("%s.notValues", when), condition.notValues) }}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{{- strangers("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- strangers("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- strangers("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
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
{%- for item in rule.from %}
{{- strange(printf("%s.from[%d].source.principals", at, loop.index0), item.source.principals) }}
{{- namesake(printf("%s.from[%d].source.namespaces", at, loop.index0), item.source.namespaces) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro strangers(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- strange(printf("%s.principals", at), entry.principals) }}
{{- namesake(printf("%s.namespaces", at), entry.namespaces) }}
{%- endfor %}
{%- endmacro %}

{%- macro strange(path, list) -%}
{%- for principal in list %}
{%- if nobody(principal) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} {{ nobody(principal) }}, which no caller in Istio has; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro namesake(path, list) -%}
{%- for namespace in list %}
{%- if regex_match("^s(a|a?\\*)$", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} also admits every caller of a namespace named ns, because Istio looks for /ns/{{ namespace }}/ in the whole identity and finds it in <trust domain>/ns/ns/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro emptied(path, items) -%}
{%- if items is defined and not items %}
{{ path }}: an empty list counts as none in Istio, so it restricts nothing; fill it, or leave it out
{%- endif %}
{%- endmacro %}
