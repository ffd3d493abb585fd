{#- What no single value shows to be wrong. `refusals` and `warnings` print one line per finding, "path: sentence"; a
finding of `refusals` stops the rendering, because what would be rendered is invalid or weaker than what was written. #}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro validate() -%}
{%- set findings = refusals() | trim %}
{%- if findings %}
{{- fail(findings) }}
{%- endif %}
{%- endmacro %}

{%- macro refusals() -%}
{{- samePorts() }}
{%- if Values.serviceMesh.enabled and Values.serviceMesh.engine == "istio" %}
{{- istioSources("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- istioSources("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- istioSources("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
{%- elif Values.serviceMesh.enabled %}
{{- linkerdSources("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- linkerdSources("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{%- if Values.serviceMesh.mcp.from %}
serviceMesh.mcp.from: linkerd renders no Server for the mcp port, so this restriction would be dropped; remove it and put a Server, a MeshTLSAuthentication and an AuthorizationPolicy for port {{ Values.ports.mcp | int }} into serviceMesh.linkerd.authorizations
{%- endif %}
{{- linkerdNames() }}
{%- endif %}
{%- endmacro %}

{%- macro samePorts() -%}
{%- set ports = [dict("name", "health", "number", Values.ports.health), dict("name", "metrics", "number", Values.ports.metrics)] %}
{%- if Values.gate.enabled %}
{%- set ports = append(ports, dict("name", "gate", "number", Values.ports.gate)) %}
{%- endif %}
{%- if Values.mcp.enabled %}
{%- set ports = append(ports, dict("name", "mcp", "number", Values.ports.mcp)) %}
{%- endif %}
{%- if Values.webhook.enabled %}
{%- set ports = append(ports, dict("name", "webhook", "number", Values.ports.webhook)) %}
{%- endif %}
{%- for first in ports %}
{%- for second in ports %}
{%- if first.name < second.name and first.number | int == second.number | int %}
ports.{{ second.name }}: {{ second.number | int }} is also ports.{{ first.name }}, so the rule of one would rule the other as well; give each enabled port a number of its own
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- Istio compares principals exactly, or with one `*` alone, first or last; any other `*` is a plain character. #}
{%- macro istioSources(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for principal in entry.principals %}
{%- if principal | has_prefix("spiffe://") %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} never matches, because Istio compares identities without the scheme; write {{ principal | trim_prefix("spiffe://") | quote }}
{%- elif not regex_match("^(\\*|\\*[^*]+|[^*]+\\*?)$", principal) %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} has a * where Istio takes it literally; it may stand alone, first or last
{%- endif %}
{%- endfor %}
{%- for namespace in entry.namespaces %}
{%- if regex_match("^\\*s?a$", namespace) %}
{{ at }}.namespaces[{{ loop.index0 }}]: {{ namespace | quote }} matches every meshed caller, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/<namespace>/sa/<service account>; list the namespaces by name
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdSources(path, sources) -%}
{%- if sources and not stageset.linkerdIdentities(sources) %}
{{ path }}: no entry has principals, and Linkerd knows callers by identity alone, so nothing would be left to authorize; name the callers' identities under principals
{%- endif %}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for principal in entry.principals %}
{%- if not regex_match("^(\\*|(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|spiffe://[^*]+)$", principal) %}
{%- if regex_match("^[^/*]+/ns/[^/*]+/sa/[^/*]+$", principal) %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is an Istio identity; write {{ regex_replace_all("^[^/]+/ns/([^/]+)/sa/([^/]+)$", principal, "${2}.${1}.serviceaccount.identity.linkerd.cluster.local") | quote }}
{%- else %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is no Linkerd identity; write *, *.<suffix>, <service account>.<namespace>.serviceaccount.identity.linkerd.cluster.local in lower case, or a spiffe:// id without a *
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- Two objects of one kind and name: the one applied last would replace the other, and its restriction with it. #}
{%- macro linkerdNames() -%}
{%- set rendered = [printf("%s-metrics", stageset.name())] %}
{%- if Values.gate.enabled %}
{%- set rendered = append(rendered, printf("%s-gate", stageset.name())) %}
{%- endif %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = loop.index0 %}
{%- if has(object.kind, ["Server", "MeshTLSAuthentication", "AuthorizationPolicy"]) and has(object.metadata.name, rendered) and namespaceOf(object) == stageset.namespace() %}
serviceMesh.linkerd.authorizations[{{ at }}].metadata.name: {{ object.kind }} {{ object.metadata.name | quote }} is rendered already, and the one applied last would replace the other; choose another name
{%- endif %}
{%- for other in Values.serviceMesh.linkerd.authorizations %}
{%- if at < loop.index0 and object.kind == other.kind and object.metadata.name == other.metadata.name and namespaceOf(object) == namespaceOf(other) %}
serviceMesh.linkerd.authorizations[{{ loop.index0 }}].metadata.name: {{ other.kind }} {{ other.metadata.name | quote }} is also entry {{ at }}, and the one applied last would replace the other; choose another name
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro namespaceOf(object) -%}
{%- if object.metadata.namespace %}
{{- object.metadata.namespace }}
{%- else %}
{{- stageset.namespace() }}
{%- endif %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.enabled %}
{%- if Values.serviceMesh.defaultDeny.enabled %}
serviceMesh.defaultDeny.enabled: denies every other workload of namespace {{ stageset.namespace() }} too, until a policy of its own admits its callers
{%- endif %}
{%- if Values.serviceMesh.engine == "istio" %}
{{- istioWarnings() }}
{%- else %}
{{- linkerdWarnings() }}
{%- endif %}
{%- elif Values.serviceMesh.gate.from or Values.serviceMesh.metrics.from or Values.serviceMesh.mcp.from or Values.serviceMesh.istio.rules or Values.serviceMesh.linkerd.authorizations %}
serviceMesh.enabled: is false, so none of the callers, rules and authorizations written under serviceMesh is rendered and no port is restricted
{%- endif %}
{%- endmacro %}

{%- macro istioWarnings() -%}
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
{%- endif %}
{{- dropped(at, omit(rule, "from", "to", "when")) }}
{%- for item in rule.from %}
{{- dropped(printf("%s.from[%d]", at, loop.index0), omit(item, "source")) }}
{%- if item.source %}
{{- dropped(printf("%s.from[%d].source", at, loop.index0), omit(item.source, "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts", "trustDomains", "notTrustDomains", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks")) }}
{%- endif %}
{%- endfor %}
{%- for item in rule.to %}
{{- dropped(printf("%s.to[%d]", at, loop.index0), omit(item, "operation")) }}
{%- if item.operation %}
{{- dropped(printf("%s.to[%d].operation", at, loop.index0), omit(item.operation, "hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")) }}
{%- endif %}
{%- endfor %}
{%- for item in rule.when %}
{{- dropped(printf("%s.when[%d]", at, loop.index0), omit(item, "key", "values", "notValues")) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro dropped(path, unknown) -%}
{%- for key in keys(unknown) | sort_alpha %}
{{ path }}: Istio knows no {{ key | quote }} here and drops it, and the restriction with it
{%- endfor %}
{%- endmacro %}

{%- macro linkerdWarnings() -%}
{%- if Values.serviceMesh.mtls %}
serviceMesh.mtls: ignored, because Linkerd has mTLS between meshed pods always on and no setting for it
{%- endif %}
{%- if Values.serviceMesh.istio.rules %}
serviceMesh.istio.rules: ignored, because serviceMesh.engine is linkerd
{%- endif %}
{{- linkerdNamespaces("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- linkerdNamespaces("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{%- if Values.mcp.enabled %}
mcp.enabled: linkerd renders no Server for the mcp port {{ Values.ports.mcp | int }}, so only the default inbound policy rules it
{%- endif %}
{%- if Values.serviceMesh.defaultDeny.enabled %}
{%- if Values.namespace.create %}
serviceMesh.defaultDeny.enabled: a pod takes the namespace's default policy when it starts; restart the pods that run already
{%- else %}
serviceMesh.defaultDeny.enabled: renders nothing without namespace.create; set it yourself with `kubectl annotate namespace {{ stageset.namespace() }} config.linkerd.io/default-inbound-policy=deny` and restart the pods that run already
{%- endif %}
{%- if Values.webhook.enabled and not stageset.linkerdServers("webhook", Values.ports.webhook) %}
webhook.enabled: the default policy deny also rules ports without a Server, so kube-apiserver, which is not meshed, is refused on port {{ Values.ports.webhook | int }} and admission breaks; add a Server for it (proxyProtocol TLS) with a NetworkAuthentication and an AuthorizationPolicy to serviceMesh.linkerd.authorizations, or give the pod the annotation config.linkerd.io/skip-inbound-ports
{%- endif %}
{%- endif %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.kind == "AuthorizationPolicy" and object.spec and object.spec.requiredAuthenticationRefs is defined and not object.spec.requiredAuthenticationRefs %}
{{ at }}.spec.requiredAuthenticationRefs: an empty list opens the target to everyone
{%- endif %}
{%- if has(object.kind, ["AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication"]) and object.apiVersion != "policy.linkerd.io/v1alpha1" %}
{{ at }}.apiVersion: {{ object.kind }} is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1alpha1
{%- elif object.kind == "Server" and not regex_match("^policy\\.linkerd\\.io/v1beta[123]$", object.apiVersion) %}
{{ at }}.apiVersion: Server is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta3 (or v1beta1, v1beta2)
{%- elif object.kind == "ServerAuthorization" and object.apiVersion != "policy.linkerd.io/v1beta1" %}
{{ at }}.apiVersion: ServerAuthorization is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta1
{%- elif object.kind == "HTTPRoute" and not regex_match("^(policy\\.linkerd\\.io/v1(alpha1|beta[123])|gateway\\.networking\\.k8s\\.io/.+)$", object.apiVersion) %}
{{ at }}.apiVersion: HTTPRoute is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta3 (or v1alpha1, v1beta1, v1beta2)
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdNamespaces(path, sources) -%}
{%- for entry in sources %}
{%- if entry.namespaces %}
{{ path }}[{{ loop.index0 }}].namespaces: ignored, because Linkerd knows callers by identity alone; a namespace's callers are *.<namespace>.serviceaccount.identity.linkerd.cluster.local under principals
{%- endif %}
{%- endfor %}
{%- endmacro %}
