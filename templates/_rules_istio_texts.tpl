{#- What Istio takes as a text of a source, an operation or a condition, but compares with no request, or with another part
of it. Where that lets in the very caller that is to be kept out (notPrincipals, notValues), the schema refuses it. #}

{#- All lists of a source or an operation, each by the key that a condition has for it. #}
{%- macro fields(at, item) -%}
{%- set keyOf = dict("principals", "source.principal", "notPrincipals", "source.principal", "namespaces", "source.namespace", "requestPrincipals", "request.auth.principal", "serviceAccounts", "source.serviceAccount", "trustDomains", "source.trustDomain", "notTrustDomains", "source.trustDomain", "hosts", "host", "notHosts", "host", "methods", "method", "paths", "path", "ports", "destination.port", "notPorts", "destination.port") %}
{%- set listOf = dict("notPrincipals", "principals", "notNamespaces", "namespaces", "notRequestPrincipals", "requestPrincipals", "notServiceAccounts", "serviceAccounts", "notTrustDomains", "trustDomains", "notIpBlocks", "ipBlocks", "notRemoteIpBlocks", "remoteIpBlocks", "notHosts", "hosts", "notMethods", "methods", "notPaths", "paths", "notPorts", "ports") %}
{%- for field in keys(item) | sort_alpha %}
{{- compared(printf("%s.%s", at, field), get(keyOf, field), get(item, field)) }}
{%- if has_key(listOf, field) %}
{{- excepted(printf("%s.%s", at, field), get(item, get(listOf, field)), get(item, field)) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro compared(path, key, list) -%}
{%- if key == "source.principal" %}
{{- unmatched(path, list, "^(\\*|[A-Za-z0-9._-]+/ns/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/sa/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[A-Za-z0-9._-]+/(n|ns(/([a-z0-9][a-z0-9-]*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/(sa?(/([a-z0-9][a-z0-9.-]*)?)?)?)?)?)?\\*|[A-Za-z0-9._-]+\\*|\\*(-*|(s?a)?/|([a-z0-9-]*[a-z0-9])?/sa/|(([A-Za-z0-9._-]*/)?ns|s)?/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/sa/)[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$", "<trust domain>/ns/<namespace>/sa/<service account> in lower case") }}
{{- doubtful(path, list, "^[^/A-Z]*[A-Z][^/]*(/ns/|/?\\*$)", "has capitals in its trust domain, and Istio compares letter by letter; write it as the mesh's trustDomain has it") }}
{{- doubtful(path, list, "^[A-Za-z0-9_-]+\\*$", "stands for trust domains that begin so, not for namespaces or service accounts; write <trust domain>/* for all of one trust domain, or <trust domain>/ns/<namespace>/*") }}
{%- elif key == "source.trustDomain" %}
{{- unmatched(path, list, "^(\\*|\\*?[A-Za-z0-9._-]+|[A-Za-z0-9._-]+\\*)$", "a trust domain without port") }}
{{- doubtful(path, list, "[A-Z]", "has capitals in its trust domain, and Istio compares letter by letter; write it as the mesh's trustDomain has it") }}
{%- elif key == "source.namespace" %}
{{- unmatched(path, list, "^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$", "a namespace in lower case, of at most 63 characters") }}
{{- doubtful(path, list, "^s(a|a?\\*+)$", "also stands for a namespace named ns, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/ns/sa/<service account>; write the principal <trust domain>/ns/<namespace>/* instead") }}
{%- elif key == "source.serviceAccount" %}
{{- unmatched(path, list, "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", "<namespace>/<name> or <name> in lower case") }}
{%- elif key == "request.auth.principal" %}
{{- unmatched(path, list, "^(\\*|\\*[^*]*[^*/ ]|[^*/ ]+\\*|([a-z]+://[^*/ ,]+|[^*/ ,]*[^*/ ,:])(/[^* ,]*)?/([^*/]*[^*/ ]\\*?|\\*))$", "<issuer>/<subject>, or <issuer>/* for all of an issuer") }}
{%- elif key == "connection.sni" %}
{{- unmatched(path, list, "^(\\*|\\*?[a-z0-9._-]+|[a-z0-9._-]+\\*)$", "a server name in lower case and without port") }}
{%- elif key == "method" %}
{{- unmatched(path, list, "^(\\*|\\*?[A-Z0-9_-]+|[A-Z0-9_-]+\\*)$", "a method in upper case") }}
{%- elif key == "path" %}
{{- unmatched(path, list, "^(\\*|/[!\"$-)+->@-\\[\\]-~]*\\*?|\\*[!\"$-)+->@-\\[\\]-~]+|.*\\{.*)$", "a path from its / to before a ? or #, without blanks, backslashes, . and ..") }}
{%- elif key == "host" %}
{{- unmatched(path, list, "^(\\*|\\*?[A-Za-z0-9._:-]+|[A-Za-z0-9._:-]+\\*|\\[[0-9A-Fa-f:]+\\](:[0-9]+)?)$", "a host without scheme and path") }}
{{- portless(path, list) }}
{%- elif key == "destination.port" %}
{{- foreign(path, list) }}
{%- elif key | has_prefix("request.auth.") %}
{{- doubtful(path, list, "^ | $|.\\*.|\\*.*\\*|^\\[.*\\]$", "is compared letter by letter, with all blanks, brackets and inner * in it; list the texts themselves, with one * at most, alone, first or last") }}
{%- elif key | has_prefix("request.headers") %}
{{- doubtful(path, list, "^ | $|.\\*.|\\*.*\\*", "is compared letter by letter, with all blanks, brackets and inner * in it; list the texts themselves, with one * at most, alone, first or last") }}
{%- endif %}
{%- endmacro %}

{%- macro unmatched(path, list, pattern, form) -%}
{%- for text in list %}
{%- if not regex_match(pattern, text) or regex_match("/\\.\\.?(/|$)", text) %}
{{ path }}[{{ loop.index0 }}]: {{ text | quote }} matches no request, so it allows none; write {{ form }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro doubtful(path, list, pattern, sentence) -%}
{%- for text in list %}
{%- if regex_match(pattern, text) %}
{{ path }}[{{ loop.index0 }}]: {{ text | quote }} {{ sentence }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A call's host has the port beside the name, unless it is 80. #}
{%- macro portless(path, list) -%}
{%- if not regex_match(":|\\*( |$)", list | join(" ")) %}
{{ path }}: a call names its port beside the host, unless that is 80, and these match hosts without one alone; list {{ printf("%s:%d", list | first, Values.ports.gate | int) | quote }} as well, for the gate
{%- endif %}
{%- endmacro %}

{#- Istio compares the pod's own ports, not those of its Services. #}
{%- macro foreign(path, list) -%}
{%- set known = printf("^0*(%s)$", [Values.ports.health, Values.ports.webhook, Values.ports.gate, Values.ports.metrics, Values.ports.mcp] | join("|")) %}
{%- for port in list %}
{%- if not regex_match(known, port) %}
{{ path }}[{{ loop.index0 }}]: {{ port | quote }} is none of the pod's ports, so no call to the controller has it; write the number of a port as under ports, not that of a Service
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- What is both listed and excepted matches nothing; and every request has a method, a path and a host. #}
{%- macro excepted(path, list, exceptions) -%}
{%- set out = dict() %}
{%- set met = dict() %}
{%- for text in exceptions %}
{%- set _ = set(out, text, true) %}
{%- endfor %}
{%- if list %}
{%- for text in list %}
{%- if not has_key(out, text) and not has_key(out, "*") %}
{%- set _ = set(met, "met", true) %}
{%- endif %}
{%- endfor %}
{%- elif not has_key(out, "*") or not regex_match("not(Hosts|Methods|Paths)$", path) %}
{%- set _ = set(met, "met", true) %}
{%- endif %}
{%- if not met.met %}
{{ path }}: keeps out everything that could match, so nothing does; list only what to keep out
{%- endif %}
{%- endmacro %}

{#- Whether an operation allows calls to a port. Istio reads 08082 as 8082. #}
{%- macro reaches(operation, number) -%}
{%- set named = printf("(^| )0*%d( |$)", number | int) %}
{%- if operation.ports %}
{%- if regex_match(named, operation.ports | join(" ")) -%}
yes
{%- endif %}
{%- elif not (operation.notPorts and regex_match(named, operation.notPorts | join(" "))) -%}
yes
{%- endif %}
{%- endmacro %}
