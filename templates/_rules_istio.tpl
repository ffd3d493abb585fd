{#- What Istio's callers may be: https://istio.io/latest/docs/reference/config/security/authorization-policy/ #}

{%- macro refusals() -%}
{{- callers("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- callers("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- callers("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
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
what stands between a `*` and the next one, or the end, can so be found in the `/sa/` that every caller has. #}
{%- macro namespaces(path, list) -%}
{%- for namespace in list %}
{%- if regex_match("\\*(s?a$|(s|s?a)\\*)", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} is not held to the end of the namespace's name, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/<namespace>/sa/<service account>; list the namespaces by name, or by <beginning>*
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Whether an identity can begin, or end, with what a pattern says. #}
{%- macro beginning(principal) -%}
{%- if regex_match("^[a-z0-9._-]+(/(n|ns(/([a-z0-9-]+(/(s|sa(/[a-z0-9.-]*)?)?)?)?)?)?)?\\*$", principal) -%}
yes
{%- endif %}
{%- endmacro %}

{%- macro ending(principal) -%}
{%- if regex_match("^\\*((([a-z0-9._-]*/)?ns|s)?/[a-z0-9-]+/sa/|[a-z0-9-]*/sa/|(s?a)?/)?[a-z0-9-][a-z0-9.-]*$", principal) -%}
yes
{%- endif %}
{%- endmacro %}

{#- Why no caller has an identity; nothing when one may. #}
{%- macro nobody(principal) -%}
{%- if principal | contains(".serviceaccount.identity.linkerd.") -%}
is a Linkerd identity
{%- elif principal | has_prefix("system:serviceaccount:") -%}
is a user of kube-apiserver
{%- elif regex_match("[A-Z]", principal) -%}
has upper-case letters
{%- elif regex_match("[^!-~]|[,;]", principal) -%}
has a blank, or more than one in one text
{%- elif regex_match("^/|/$|//", principal) -%}
has a slash too many
{%- elif regex_match("^[^/]*:[0-9]+/", principal) -%}
has a port in its trust domain
{%- elif not (regex_match("^(\\*|[a-z0-9._-]+/ns/[a-z0-9-]+/sa/[a-z0-9.-]+)$", principal) or beginning(principal) or ending(principal)) -%}
has not the form of an identity
{%- endif %}
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
{%- endmacro %}

{%- macro strangers(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- emptied(printf("%s.principals", at), entry.principals) }}
{{- emptied(printf("%s.namespaces", at), entry.namespaces) }}
{{- strange(printf("%s.principals", at), entry.principals) }}
{{- namesake(printf("%s.namespaces", at), entry.namespaces) }}
{{- apart(at, entry.principals, entry.namespaces) }}
{%- endfor %}
{%- endmacro %}

{%- macro strange(path, list) -%}
{%- for principal in list %}
{%- if nobody(principal) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} {{ nobody(principal) }}, so no caller in Istio has it; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro namesake(path, list) -%}
{%- for namespace in list %}
{%- if regex_match("^s(a|a?\\*)$", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} also stands for a namespace named ns, because Istio looks for /ns/{{ namespace }}/ in the whole identity and finds it in <trust domain>/ns/ns/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The principals and the namespaces of one entry must both match. What is a pattern may. #}
{%- macro apart(at, principals, namespaces) -%}
{%- if principals and namespaces %}
{%- set listed = dict() %}
{%- for namespace in namespaces %}
{%- set _ = set(listed, regex_replace_all("^.*\\*.*$", namespace, "*"), true) %}
{%- endfor %}
{%- set met = dict("met", has_key(listed, "*")) %}
{%- for principal in principals %}
{%- if principal | contains("*") or has_key(listed, regex_replace_all("^.*/ns/(.*)/sa/.*$", principal, "${1}")) %}
{%- set _ = set(met, "met", true) %}
{%- endif %}
{%- endfor %}
{%- if not met.met %}
{{ at }}: admits nobody, because a caller must be among the principals and of the namespaces too, and none of these principals is of these namespaces; write an entry for each to admit either
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro emptied(path, items) -%}
{%- if items is defined and not items %}
{{ path }}: an empty list counts as none in Istio, so it restricts nothing; fill it, or leave it out
{%- endif %}
{%- endmacro %}
