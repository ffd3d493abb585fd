{#- What the objects that serviceMesh.linkerd.authorizations adds do otherwise than they look, or not at all:
https://linkerd.io/2/reference/authorization-policy/ #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.linkerd.authorizations %}
{%- set known = dict() %}
{{- authorizations.rendered(known) }}
{{- readObjects(known) }}
{%- set newest = dict("AuthorizationPolicy", "v1alpha1", "EgressNetwork", "v1alpha1", "HTTPLocalRateLimitPolicy", "v1alpha1", "HTTPRoute", "v1beta3", "MeshTLSAuthentication", "v1alpha1", "NetworkAuthentication", "v1alpha1", "Server", "v1beta3", "ServerAuthorization", "v1beta1") %}
{{- servers(known) }}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{{- kind(at, object, newest) }}
{%- if object.kind == "Namespace" and object.metadata.name == stageset.namespace() and object.metadata.annotations %}
{{- namespace(printf("%s.metadata.annotations", at), object.metadata.annotations) }}
{%- elif object.kind != "Server" and authorizations.defined(object) %}
{%- if object.kind == "MeshTLSAuthentication" %}
{{- authorizations.nobodys(printf("%s.spec.identities", at), object.spec.identities) }}
{{- accounts(printf("%s.spec.identityRefs", at), object.spec.identityRefs) }}
{%- elif authorizations.namespaceOf(object) != stageset.namespace() %}
{%- elif object.kind == "AuthorizationPolicy" %}
{{- policy(at, object.spec, known) }}
{%- elif object.kind == "ServerAuthorization" %}
{{- serverAuthorization(at, object.spec, known) }}
{%- elif object.kind == "HTTPLocalRateLimitPolicy" %}
{{- rateLimit(at, object.spec, known, loop.index0) }}
{%- elif has(object.kind, ["HTTPRoute", "GRPCRoute"]) %}
{{- route(at, object, known) }}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{#- Puts what is added into `known`, routes with whether they are a Server's, and the protocols of Servers. #}
{%- macro readObjects(known) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set name = authorizations.identity(object) %}
{%- set _ = set(known, name, "") %}
{%- if authorizations.defined(object) %}
{%- if object.kind == "Server" and object.spec.proxyProtocol %}
{%- set _ = set(known, printf("protocol %s/%s", authorizations.namespaceOf(object), object.metadata.name), object.spec.proxyProtocol) %}
{%- elif has(object.kind, ["HTTPRoute", "GRPCRoute"]) and not ofServer(object.spec.parentRefs) %}
{%- set _ = set(known, name, "no Server") %}
{%- endif %}
{%- if object.kind == "Server" and object.metadata.labels and authorizations.namespaceOf(object) == stageset.namespace() %}
{%- for key in keys(object.metadata.labels) %}
{%- set _ = set(known, printf("label %s", key), "") %}
{%- set _ = set(known, printf("label %s=%s", key, get(object.metadata.labels, key)), "") %}
{%- endfor %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro ofServer(parents) -%}
{%- for parent in parents %}
{%- if parent.kind == "Server" %}true{% endif %}
{%- endfor %}
{%- endmacro %}

{#- What is served changes with Linkerd, so another version is not refused. #}
{%- macro kind(at, object, newest) -%}
{%- if object.apiVersion | contains(".istio.io/") %}
{{ at }}.apiVersion: {{ object.apiVersion }} {{ object.kind }} is Istio's, and serviceMesh.engine is linkerd, which reads none of it; leave it out
{%- elif not has_key(newest, object.kind) %}
{%- if object.apiVersion | has_prefix("policy.linkerd.io/") %}
{{ at }}.kind: policy.linkerd.io has no kind {{ object.kind }}; write one of {{ keys(newest) | sort_alpha | join(", ") }}
{%- endif %}
{%- elif not authorizations.defined(object) %}
{{ at }}.apiVersion: {{ object.kind }} is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/{{ get(newest, object.kind) }}
{%- endif %}
{%- if has(object.kind, ["AuthorizationPolicy", "HTTPLocalRateLimitPolicy", "HTTPRoute", "Server", "ServerAuthorization"]) and object.apiVersion | has_prefix("policy.linkerd.io/") and authorizations.namespaceOf(object) != stageset.namespace() %}
{{ at }}.metadata.namespace: {{ object.kind }} {{ object.metadata.name | quote }} of namespace {{ object.metadata.namespace }} has no effect on the controller, which runs in {{ stageset.namespace() }}; write that, or leave it out
{%- endif %}
{%- endmacro %}

{#- The proxy's settings, which a pod takes from its namespace. #}
{%- macro namespace(at, annotations) -%}
{%- if get(annotations, "linkerd.io/inject") == "disabled" %}
{{ at }}."linkerd.io/inject": keeps the proxy out of the namespace's pods, and without it no policy has an effect; write enabled
{%- endif %}
{%- for port in ["gate", "metrics"] %}
{%- if authorizations.skips(annotations, get(Values.ports, port)) %}
{{ at }}."config.linkerd.io/skip-inbound-ports": takes the {{ port }} port past the proxy, so anyone may call it, whatever serviceMesh.{{ port }}.from lists; leave {{ get(Values.ports, port) | int }} out unless that is meant
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Puts each Server, or route, that an object here authorizes callers of into `admitted`: "unmeshed" where one without an
identity will do, or else "meshed". Under "*" stands that some object selects Servers by label. #}
{%- macro readTargets(admitted) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if has(object.kind, ["AuthorizationPolicy", "ServerAuthorization"]) and authorizations.defined(object) and authorizations.namespaceOf(object) == stageset.namespace() %}
{%- set name = "*" %}
{%- set who = "unmeshed" %}
{%- if object.kind == "AuthorizationPolicy" %}
{%- if object.spec.targetRef.kind != "Namespace" %}
{%- set name = printf("%s %s", object.spec.targetRef.kind, object.spec.targetRef.name) %}
{%- endif %}
{%- if object.spec.requiredAuthenticationRefs | to_json | regex_match("\"kind\":\"(MeshTLSAuthentication|ServiceAccount)\"") %}
{%- set who = "meshed" %}
{%- endif %}
{%- else %}
{%- if object.spec.server.name %}
{%- set name = printf("Server %s", object.spec.server.name) %}
{%- endif %}
{%- if not object.spec.client.unauthenticated %}
{%- set who = "meshed" %}
{%- endif %}
{%- endif %}
{{- admit(admitted, name, who) }}
{%- endif %}
{%- endfor %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if has(object.kind, ["HTTPRoute", "GRPCRoute"]) and authorizations.defined(object) and has_key(admitted, printf("%s %s", object.kind, object.metadata.name)) %}
{%- for parent in object.spec.parentRefs %}
{%- if parent.kind == "Server" %}
{{- admit(admitted, printf("Server %s", parent.name), get(admitted, printf("%s %s", object.kind, object.metadata.name))) }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro admit(admitted, name, who) -%}
{%- if get(admitted, name) != "unmeshed" %}
{%- set _ = set(admitted, name, who) %}
{%- endif %}
{%- endmacro %}

{#- Health is spoken to in HTTP/1 and the webhook in TLS, neither by a caller with an identity. #}
{%- macro servers(known) -%}
{%- set pod = dict() %}
{{- authorizations.readPod(pod) }}
{%- set admitted = dict() %}
{{- readTargets(admitted) }}
{%- set seen = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "Server" and authorizations.defined(object) %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- set name = printf("Server %s", object.metadata.name) %}
{%- set port = authorizations.portOf(object, pod) %}
{%- if not (has_key(admitted, name) or has_key(admitted, "*")) and object.spec.accessPolicy is not defined %}
{{ at }}: no AuthorizationPolicy of serviceMesh.linkerd.authorizations targets this Server, and a Server admits nobody by itself; add one, or an accessPolicy
{%- elif port == "webhook" and not (get(admitted, name) == "unmeshed" or get(admitted, "*") == "unmeshed") and not has(object.spec.accessPolicy, ["audit", "all-unauthenticated", "cluster-unauthenticated"]) %}
{{ at }}: covers the webhook port, and kube-apiserver, which has no identity, is admitted by nothing here, so admission breaks; add an AuthorizationPolicy that requires a NetworkAuthentication alone
{%- endif %}
{%- if port and has_key(seen, port) %}
{{ at }}.spec.port: the {{ port }} port has a Server in entry {{ get(seen, port) }} already; of two the older rules, then the one whose name comes first; leave one out
{%- elif not port and object.spec.podSelector is defined and not has_key(pod.ports, object.spec.port | to_string) %}
{{- unnamed(at, object, pod) }}
{%- endif %}
{%- set _ = set(seen, port, loop.index0) %}
{%- if port == "health" and get(admitted, name) != "unmeshed" %}
{%- set _ = set(known, printf("health %s", object.metadata.name), true) %}
{%- endif %}
{%- if port == "health" and has(object.spec.proxyProtocol, ["opaque", "TLS", "HTTP/2", "gRPC"]) %}
{{ at }}.spec.proxyProtocol: kubelet probes the health port by HTTP/1, which Linkerd does not see under {{ object.spec.proxyProtocol }}; write HTTP/1
{%- elif port == "webhook" and has(object.spec.proxyProtocol, ["HTTP/1", "HTTP/2", "gRPC"]) %}
{{ at }}.spec.proxyProtocol: kube-apiserver speaks TLS to the webhook, which fails under {{ object.spec.proxyProtocol }}; write TLS
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A Server of the controller's pods by the name of a port that they don't have; one that selects every pod may mean others. #}
{%- macro unnamed(at, object, pod) -%}
{%- if object.spec.podSelector.matchLabels and regex_match("[a-z]", object.spec.port | to_string) and authorizations.selects(object, pod) %}
{{ at }}.spec.port: the controller has no port named {{ object.spec.port }}, so this Server covers none of its ports; write one of {{ keys(pod.ports) | sort_alpha | join(", ") }}
{%- endif %}
{%- endmacro %}

{#- A Server admits whom any policy for it, for its namespace or for a route of it admits. #}
{%- macro policy(at, spec, known) -%}
{%- set name = printf("%s %s %s/%s", spec.targetRef.group | default("core"), spec.targetRef.kind, stageset.namespace(), spec.targetRef.name) %}
{%- if spec.targetRef.kind == "Namespace" %}
{{ at }}: is for the whole namespace, so it also admits its callers to the gate and metrics ports, whatever serviceMesh.<port>.from lists; target one Server unless that is meant
{%- if spec.targetRef.name != stageset.namespace() %}
{{ at }}.spec.targetRef.name: a policy knows only its own namespace, which is {{ stageset.namespace() }}, not {{ spec.targetRef.name | quote }}; write that
{%- endif %}
{%- elif get(known, name) == "no Server" %}
{{ at }}.spec.targetRef: {{ spec.targetRef.kind }} {{ spec.targetRef.name | quote }} is no route of a Server, so this admits nobody; name a Server among its parentRefs, or target another
{%- else %}
{{- missing(printf("%s.spec.targetRef", at), spec.targetRef.kind, spec.targetRef.name, has_key(known, name)) }}
{{- alsoAdmits(at, get(known, name)) }}
{%- endif %}
{{- coreGroup(printf("%s.spec.targetRef", at), spec.targetRef) }}
{%- if not spec.requiredAuthenticationRefs %}
{{ at }}.spec.requiredAuthenticationRefs: an empty list opens the target to everyone; name an authentication unless that is meant
{%- endif %}
{%- for ref in spec.requiredAuthenticationRefs %}
{%- set where = printf("%s.spec.requiredAuthenticationRefs[%d]", at, loop.index0) %}
{{- coreGroup(where, ref) }}
{%- if has(ref.kind, ["MeshTLSAuthentication", "NetworkAuthentication"]) and not has_key(known, printf("policy.linkerd.io %s %s/%s", ref.kind, ref.namespace | default(stageset.namespace()), ref.name)) %}
{{ where }}: there is no {{ ref.kind }} {{ ref.name | quote }} among serviceMesh.linkerd.authorizations, and as long as it does not exist Linkerd ignores the policy; add it, or mend the name
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The Server or route that something is for. #}
{%- macro missing(at, kind, name, there) -%}
{%- if not there %}
{{ at }}: there is no {{ kind }} {{ name | quote }} of namespace {{ stageset.namespace() }} among the rendered objects, and as long as it does not exist this has no effect; add it, or mend the name
{%- endif %}
{%- endmacro %}

{%- macro alsoAdmits(at, port) -%}
{%- if port %}
{{ at }}: also admits its callers to the {{ port }} port, whatever serviceMesh.{{ port }}.from lists; leave it out unless that is meant
{%- endif %}
{%- endmacro %}

{#- What speaks of HTTP has no effect on a Server whose protocol hides it. #}
{%- macro unseen(at, server, hidden, known) -%}
{%- set protocol = get(known, printf("protocol %s/%s", stageset.namespace(), server)) %}
{%- if has(protocol, hidden) %}
{{ at }}: has no effect on Server {{ server | quote }}, whose proxyProtocol is {{ protocol }}; leave it out, or write another proxyProtocol there
{%- endif %}
{%- endmacro %}

{%- macro serverAuthorization(at, spec, known) -%}
{%- if spec.server.name is defined %}
{%- set name = printf("policy.linkerd.io Server %s/%s", stageset.namespace(), spec.server.name) %}
{{- missing(printf("%s.spec.server.name", at), "Server", spec.server.name, has_key(known, name)) }}
{{- alsoAdmits(at, get(known, name)) }}
{%- elif not authorizations.others(spec.server.selector, from_yaml(stageset.labels())) %}
{{ at }}: selects the Servers of the gate and metrics ports too, so it also admits its callers to them, whatever serviceMesh.<port>.from lists; select other Servers unless that is meant
{%- elif unlabelled(spec.server.selector, known) %}
{{ at }}.spec.server.selector: no Server among the rendered objects has the label {{ unlabelled(spec.server.selector, known) }}, so this admits nobody; label one, because a pod's labels do not count, or write its name
{%- endif %}
{%- if spec.client.networks is defined and not spec.client.networks %}
{{ at }}.spec.client.networks: is empty; leave it out if every network is meant, or write the networks
{%- endif %}
{%- if not (spec.client.unauthenticated or (spec.client.meshTLS and (spec.client.meshTLS.unauthenticatedTLS or spec.client.meshTLS.identities or spec.client.meshTLS.serviceAccounts))) %}
{{ at }}.spec.client: names nobody, so Linkerd ignores the whole object; write identities or serviceAccounts under meshTLS, or unauthenticated: true
{%- endif %}
{%- if spec.client.meshTLS %}
{{- authorizations.nobodys(printf("%s.spec.client.meshTLS.identities", at), spec.client.meshTLS.identities) }}
{%- endif %}
{%- endmacro %}

{#- Prints the labels that a selector asks for and no added Server of the namespace has. #}
{%- macro unlabelled(selector, known) -%}
{%- set absent = dict() %}
{%- if selector.matchLabels %}
{%- for key in keys(selector.matchLabels) | sort_alpha %}
{%- set pair = printf("%s=%s", key, get(selector.matchLabels, key)) %}
{%- if not has_key(known, printf("label %s", pair)) %}
{%- set _ = set(absent, pair, "") %}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- for wanted in selector.matchExpressions %}
{%- if has(wanted.operator, ["In", "Exists"]) and not has_key(known, printf("label %s", wanted.key)) %}
{%- set _ = set(absent, wanted.key, "") %}
{%- endif %}
{%- endfor %}
{{- keys(absent) | sort_alpha | join(", ") }}
{%- endmacro %}

{%- macro rateLimit(at, spec, known, entry) -%}
{%- set name = printf("limit %s", spec.targetRef.name) %}
{{- missing(printf("%s.spec.targetRef", at), "Server", spec.targetRef.name, has_key(known, printf("policy.linkerd.io Server %s/%s", stageset.namespace(), spec.targetRef.name))) }}
{{- unseen(at, spec.targetRef.name, ["opaque", "TLS"], known) }}
{%- if not (spec.total or spec.identity or spec.overrides) %}
{{ at }}.spec: limits nothing; write total, identity or overrides
{%- endif %}
{%- if has_key(known, name) %}
{{ at }}.spec.targetRef: entry {{ get(known, name) }} limits Server {{ spec.targetRef.name | quote }} already, and of two Linkerd takes the older alone; leave one out
{%- endif %}
{%- set _ = set(known, name, entry) %}
{%- endmacro %}

{%- macro route(at, object, known) -%}
{%- set own = regex_replace_all("/.*", object.apiVersion, "") %}
{%- set hidden = ["opaque", "TLS"] %}
{%- if object.kind == "GRPCRoute" %}
{%- set hidden = ["opaque", "TLS", "HTTP/1"] %}
{%- endif %}
{%- if not object.spec.parentRefs %}
{{ at }}.spec.parentRefs: is missing or empty, so this is a route of nothing; name a Server there
{%- endif %}
{%- for parent in object.spec.parentRefs %}
{%- set where = printf("%s.spec.parentRefs[%d]", at, loop.index0) %}
{%- set group = own %}
{%- if parent.group is defined %}
{%- set group = parent.group %}
{%- endif %}
{%- set name = printf("policy.linkerd.io Server %s/%s", stageset.namespace(), parent.name) %}
{%- if parent.kind is not defined %}
{%- if has_key(known, name) or parent.group == "policy.linkerd.io" %}
{{ where }}.kind: is missing, so a Gateway is meant; write kind: Server and group: policy.linkerd.io if that is meant
{%- endif %}
{%- elif parent.kind != "Server" %}
{%- if has(group, ["", "apps", "core", "gateway.networking.k8s.io", "policy.linkerd.io"]) and not has(printf("%s/%s", group, parent.kind), ["/Service", "core/Service", "gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/ListenerSet", "policy.linkerd.io/EgressNetwork"]) %}
{{ where }}: group {{ group | quote }} has no {{ parent.kind }} that takes routes, so this is a route of nothing; write group policy.linkerd.io for a Server, core for a Service
{%- endif %}
{%- elif group != "policy.linkerd.io" %}
{{ where }}.group: {{ group | quote }} has no Server, so this is a route of nothing; write policy.linkerd.io
{%- elif parent.namespace and parent.namespace != stageset.namespace() %}
{{ where }}.namespace: Linkerd takes a route for Servers of its own namespace alone, which is {{ stageset.namespace() }}; leave it out
{%- elif not has_key(known, name) %}
{{- missing(where, "Server", parent.name, false) }}
{%- elif get(known, name) %}
{{ at }}: is a route of the {{ get(known, name) }} port's Server, so a policy for it admits its callers whatever serviceMesh.{{ get(known, name) }}.from lists, and other paths are refused; leave it out unless that is meant
{%- else %}
{{- unseen(at, parent.name, hidden, known) }}
{%- if has_key(known, printf("health %s", parent.name)) %}
{{ at }}: is a route of the health port's Server, and beside a route Linkerd no longer admits kubelet's probes by itself; add an AuthorizationPolicy for it that requires a NetworkAuthentication alone
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro accounts(path, refs) -%}
{%- for ref in refs %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- coreGroup(at, ref) }}
{%- if ref.name is not defined %}
{{ at }}.name: is missing, and Linkerd takes no {{ ref.kind }} without one; write it, or for all accounts of a namespace kind: Namespace and its name
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro coreGroup(at, ref) -%}
{%- if ref.group is defined and ref.group == "" %}
{{ at }}.group: is empty, which Linkerd may not read as the core group; leave it out
{%- endif %}
{%- endmacro %}
