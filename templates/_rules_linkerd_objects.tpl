{#- What Linkerd's admission refuses, or what would undo a restriction, in the objects that
serviceMesh.linkerd.authorizations adds: https://linkerd.io/2/reference/authorization-policy/ #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_rules_exceptions.tpl" as excepted with context %}

{%- macro refusals() -%}
{%- if Values.serviceMesh.linkerd.authorizations %}
{{- sameObjects() }}
{{- samePorts() }}
{%- endif %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d].spec", loop.index0) %}
{%- if object.kind != "Server" and authorizations.defined(object) %}
{%- if has(object.kind, ["NetworkAuthentication", "EgressNetwork"]) %}
{{- exceptions(printf("%s.networks", at), object.spec.networks) }}
{%- elif object.kind == "ServerAuthorization" %}
{{- exceptions(printf("%s.client.networks", at), object.spec.client.networks) }}
{%- elif object.kind == "HTTPLocalRateLimitPolicy" and object.spec.total %}
{{- rates(at, object.spec) }}
{%- elif has(object.kind, ["HTTPRoute", "GRPCRoute"]) %}
{{- routes(printf("%s.rules", at), object.spec.rules, object.apiVersion | has_prefix("gateway.")) }}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Two objects of one kind and name: the one applied last would replace the other, and its restriction with it. #}
{%- macro sameObjects() -%}
{%- set rendered = dict() %}
{{- authorizations.rendered(rendered) }}
{%- set seen = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d].metadata.name", loop.index0) %}
{%- set identity = authorizations.identity(object) %}
{%- if has_key(rendered, identity) %}
{{ at }}: {{ object.kind }} {{ object.metadata.name | quote }} is rendered already, and the one applied last would replace the other; leave it out, or choose another name
{%- elif has_key(seen, identity) %}
{{ at }}: {{ object.kind }} {{ object.metadata.name | quote }} is also entry {{ get(seen, identity) }}, and the one applied last would replace the other; choose another name
{%- else %}
{%- set _ = set(seen, identity, loop.index0) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Linkerd takes no second Server of a port that selects the same, or where one of the two selects everything. Other
selectors it does not compare, and of two Servers that select one pod the older rules, then the one whose name comes first. #}
{%- macro samePorts() -%}
{%- set pod = dict() %}
{{- authorizations.readPod(pod) }}
{%- set seen = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "Server" and authorizations.defined(object) %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d].spec.port", loop.index0) %}
{%- set port = authorizations.portOf(object, pod) %}
{%- if has(port, ["gate", "metrics"]) %}
{{ at }}: the {{ port }} port has a Server already, and of two the older rules, then the one whose name comes first; say who may call it in serviceMesh.{{ port }}.from
{%- else %}
{%- set kind = "podSelector" %}
{%- if object.spec.podSelector is not defined %}
{%- set kind = "externalWorkloadSelector" %}
{%- endif %}
{%- set selector = get(object.spec, kind) %}
{%- set any = printf("%s %s %s", kind, authorizations.namespaceOf(object), object.spec.port | to_string) %}
{%- set every = printf("%s every", any) %}
{%- set same = printf("%s %s", any, selector | to_json) %}
{%- set all = not (selector.matchLabels or selector.matchExpressions) %}
{%- if has_key(seen, every) %}
{{ at }}: Linkerd takes no other Server for port {{ object.spec.port }} beside entry {{ get(seen, every) }}, which selects everything; leave one out, or give entry {{ get(seen, every) }} a narrower selector
{%- elif has_key(seen, any) and all %}
{{ at }}: Linkerd takes no Server for port {{ object.spec.port }} that selects everything beside entry {{ get(seen, any) }}; leave one out, or give this one a narrower selector
{%- elif has_key(seen, same) %}
{{ at }}: Linkerd takes no second Server for port {{ object.spec.port }} with the selector of entry {{ get(seen, same) }}; leave one out
{%- else %}
{%- set _ = set(seen, any, loop.index0) %}
{%- set _ = set(seen, same, loop.index0) %}
{%- if all %}
{%- set _ = set(seen, every, loop.index0) %}
{%- endif %}
{%- endif %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro exceptions(path, networks) -%}
{%- for block in networks %}
{{- excepted.outsiders(printf("%s[%d].except", path, loop.index0), block.cidr, block.except, 1) }}
{%- endfor %}
{%- endmacro %}

{%- macro rates(at, spec) -%}
{%- set most = spec.total.requestsPerSecond | int %}
{%- if spec.identity %}
{{- rate(printf("%s.identity", at), spec.identity.requestsPerSecond | int, most) }}
{%- endif %}
{%- for override in spec.overrides %}
{{- rate(printf("%s.overrides[%d]", at, loop.index0), override.requestsPerSecond | int, most) }}
{%- endfor %}
{%- endmacro %}

{%- macro rate(at, found, most) -%}
{%- if found > most %}
{{ at }}.requestsPerSecond: {{ found }} is above the total of {{ most }}, which Linkerd does not take; lower it, or raise the total
{%- endif %}
{%- endmacro %}

{#- `once`: whether the API takes one filter of a type. #}
{%- macro routes(path, rules, once) -%}
{%- for rule in rules %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for match in rule.matches %}
{%- set where = printf("%s.matches[%d]", at, loop.index0) %}
{{- named(printf("%s.headers", where), match.headers) }}
{{- named(printf("%s.queryParams", where), match.queryParams) }}
{%- if match.path and match.path.type == "RegularExpression" and match.path.value %}
{{- expression(printf("%s.path.value", where), match.path.value) }}
{%- if regex_match("^[A-Za-z0-9]([^?*{|][^|]*)?$", match.path.value) %}
{{ where }}.path.value: {{ match.path.value | quote }} matches no path, because a path begins with / and is matched as a whole; begin with / or .*
{%- endif %}
{%- endif %}
{%- endfor %}
{%- if rule.timeouts and rule.timeouts.request and rule.timeouts.backendRequest %}
{%- set most = regex_replace_all("([0-9])s$", rule.timeouts.request, "${1}000ms") %}
{%- set found = regex_replace_all("([0-9])s$", rule.timeouts.backendRequest, "${1}000ms") %}
{%- if regex_match("^[1-9][0-9]*ms$", most) and regex_match("^[0-9]+ms$", found) and trim_suffix("ms", found) | int > trim_suffix("ms", most) | int %}
{{ at }}.timeouts.backendRequest: {{ rule.timeouts.backendRequest }} is longer than the request of {{ rule.timeouts.request }}, which Linkerd does not take; shorten it, or raise request
{%- endif %}
{%- endif %}
{{- filters(printf("%s.filters", at), rule.filters, once) }}
{%- for backend in rule.backendRefs %}
{{- filters(printf("%s.backendRefs[%d].filters", at, loop.index0), backend.filters, once) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro filters(path, list, once) -%}
{%- set seen = dict() %}
{%- for filter in list %}
{%- set where = printf("%s[%d]", path, loop.index0) %}
{%- if once and has_key(seen, filter.type) and not has(filter.type, ["ExtensionRef", "RequestMirror"]) %}
{{ where }}.type: filter {{ get(seen, filter.type) }} is a {{ filter.type }} too, and the API takes one; put both into it
{%- endif %}
{%- set _ = set(seen, filter.type, loop.index0) %}
{%- for key in ["requestHeaderModifier", "responseHeaderModifier"] %}
{%- if has_key(filter, key) %}
{%- set change = get(filter, key) %}
{{- named(printf("%s.%s.set", where, key), change.set) }}
{{- named(printf("%s.%s.add", where, key), change.add) }}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- A list of headers or parameters: the API keeps them by name. #}
{%- macro named(path, list) -%}
{%- set seen = dict() %}
{%- for item in list %}
{%- if has_key(seen, item.name) %}
{{ path }}[{{ loop.index0 }}].name: {{ item.name | quote }} is also entry {{ get(seen, item.name) }}, and the API takes each name once; leave one out
{%- else %}
{%- set _ = set(seen, item.name, loop.index0) %}
{%- endif %}
{%- if item.type == "RegularExpression" %}
{{- expression(printf("%s[%d].value", path, loop.index0), item.value) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The slips that show without reading the expression: what Rust's regex does not have, and a bracket without its other.
Brackets in a class within a class, and comments, are left to Linkerd. #}
{%- macro expression(path, text) -%}
{%- set bare = regex_replace_all("\\\\([^A-Za-z0-9]|[bpPxuU]\\{[^}]*\\}|[dDsSwWbBAzntrfvapPxuU])|\\[\\^?\\]?(\\\\.|[^\\[\\]\\\\])*\\]|\\{[0-9]+(,[0-9]*)?\\}", text, "x") %}
{%- if regex_match("\\(\\?(<?[=!]|P?<[^A-Za-z_=!])|\\\\", bare) %}
{{ path }}: {{ text | quote }} holds what Linkerd's regular expressions don't have, such as looking ahead, behind or back; write it without
{%- elif regex_match("\\[[^\\]]*\\[|\\(\\?[a-z]*x", text) %}
{%- elif regex_match("(^|[^\\\\])(\\[\\^?(([^-\\[\\]\\\\]-)?[^-\\[\\]\\\\])*([a-z]-[A-Z0-9]|[A-Z]-[0-9]|z-[a-y])|\\{([1-9][0-9]+,[0-9]|[2-9],[01]|[4-9],[23])\\})", text) %}
{{ path }}: {{ text | quote }} holds a range from more to less; turn it round
{%- elif regex_match("[\\[{]|^[*+?]", bare) or len(regex_replace_all("[^(]+", bare, "")) != len(regex_replace_all("[^)]+", bare, "")) %}
{{ path }}: {{ text | quote }} is no regular expression; close what it opens, or write \ before a sign that stands for itself
{%- endif %}
{%- endmacro %}
