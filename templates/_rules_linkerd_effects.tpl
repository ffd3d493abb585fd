{#- What the objects that serviceMesh.linkerd.authorizations adds do otherwise than they look, or not at all:
https://linkerd.io/2/reference/authorization-policy/ #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.linkerd.authorizations %}
{{- found() }}
{%- endif %}
{%- endmacro %}

{%- macro found() -%}
{%- set known = dict() %}
{{- authorizations.rendered(known) }}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set _ = set(known, authorizations.identity(object), "") %}
{%- endfor %}
{{- kinds() }}
{{- served() }}
{{- servers(known) }}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.kind != "Server" and authorizations.defined(object) %}
{%- if object.kind == "MeshTLSAuthentication" %}
{{- authorizations.nobodys(printf("%s.spec.identities", at), object.spec.identities) }}
{{- accounts(printf("%s.spec.identityRefs", at), object.spec.identityRefs) }}
{%- elif authorizations.namespaceOf(object) != stageset.namespace() %}
{%- elif object.kind == "AuthorizationPolicy" %}
{{- policy(at, object.spec, known) }}
{%- elif object.kind == "ServerAuthorization" %}
{{- serverAuthorization(at, object.spec, known) }}
{%- elif object.kind == "HTTPLocalRateLimitPolicy" %}
{{- target(at, object.spec.targetRef, known) }}
{%- elif has(object.kind, ["HTTPRoute", "GRPCRoute"]) %}
{{- route(at, object.spec.parentRefs, regex_replace_all("/.*", object.apiVersion, ""), known) }}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro kinds() -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.apiVersion | contains(".istio.io/") %}
{{ at }}.apiVersion: {{ object.apiVersion }} {{ object.kind }} is Istio's, and serviceMesh.engine is linkerd, which reads none of it; leave it out
{%- elif object.apiVersion | has_prefix("policy.linkerd.io/") %}
{%- if not has(object.kind, ["AuthorizationPolicy", "EgressNetwork", "HTTPLocalRateLimitPolicy", "HTTPRoute", "MeshTLSAuthentication", "NetworkAuthentication", "Server", "ServerAuthorization"]) %}
{{ at }}.kind: policy.linkerd.io has no kind {{ object.kind }}; write Server, AuthorizationPolicy, MeshTLSAuthentication, NetworkAuthentication, ServerAuthorization, HTTPRoute, HTTPLocalRateLimitPolicy or EgressNetwork
{%- elif has(object.kind, ["Server", "ServerAuthorization", "AuthorizationPolicy", "HTTPRoute", "HTTPLocalRateLimitPolicy"]) and authorizations.namespaceOf(object) != stageset.namespace() %}
{{ at }}.metadata.namespace: a {{ object.kind }} of namespace {{ authorizations.namespaceOf(object) }} has no effect on the controller, which runs in {{ stageset.namespace() }}; write that, or leave it out
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- What is served changes with Linkerd, so another version is not refused. #}
{%- macro served() -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if has(object.kind, ["AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication", "HTTPLocalRateLimitPolicy", "EgressNetwork"]) and not regex_match("^(policy\\.linkerd\\.io/v1alpha1|security\\.istio\\.io/.*)$", object.apiVersion) %}
{{ at }}.apiVersion: {{ object.kind }} is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1alpha1
{%- elif object.kind == "Server" and not regex_match("^policy\\.linkerd\\.io/v1(alpha1|beta[123])$", object.apiVersion) %}
{{ at }}.apiVersion: Server is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta3 (or v1alpha1, v1beta1, v1beta2)
{%- elif object.kind == "ServerAuthorization" and not regex_match("^policy\\.linkerd\\.io/v1(alpha1|beta1)$", object.apiVersion) %}
{{ at }}.apiVersion: ServerAuthorization is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta1 (or v1alpha1)
{%- elif object.kind == "HTTPRoute" and not regex_match("^(policy\\.linkerd\\.io/v1(alpha1|beta[123])|gateway\\.networking\\.k8s\\.io/v1(beta1)?)$", object.apiVersion) %}
{{ at }}.apiVersion: HTTPRoute is not served at {{ object.apiVersion | quote }}; write policy.linkerd.io/v1beta3 (or v1alpha1, v1beta1, v1beta2)
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Puts each Server, or route, that an object here authorizes callers of into `admitted`: "unmeshed" where one without an
identity will do, or else "meshed". Under "*" stands that some object selects Servers by label. #}
{%- macro readTargets(admitted) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if has(object.kind, ["AuthorizationPolicy", "ServerAuthorization"]) and authorizations.defined(object) and authorizations.namespaceOf(object) == stageset.namespace() %}
{%- if object.kind == "AuthorizationPolicy" %}
{%- set name = printf("%s %s", object.spec.targetRef.kind, object.spec.targetRef.name) %}
{%- if object.spec.targetRef.kind == "Namespace" %}
{%- set name = "*" %}
{%- endif %}
{%- if object.spec.requiredAuthenticationRefs | to_json | regex_match("\"kind\":\"(MeshTLSAuthentication|ServiceAccount)\"") %}
{{- admit(admitted, name, "meshed") }}
{%- else %}
{{- admit(admitted, name, "unmeshed") }}
{%- endif %}
{%- else %}
{%- set name = "*" %}
{%- if object.spec.server.name %}
{%- set name = printf("Server %s", object.spec.server.name) %}
{%- endif %}
{%- if object.spec.client.unauthenticated %}
{{- admit(admitted, name, "unmeshed") }}
{%- else %}
{{- admit(admitted, name, "meshed") }}
{%- endif %}
{%- endif %}
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

{#- A Server admits whom any policy for it, for its namespace or for a route of it admits. #}
{%- macro policy(at, spec, known) -%}
{%- if spec.targetRef.kind == "Namespace" %}
{{ at }}: is for the whole namespace, so it also admits its callers to the gate and metrics ports, whatever serviceMesh.<port>.from lists; target one Server unless that is meant
{%- if spec.targetRef.name != stageset.namespace() %}
{{ at }}.spec.targetRef.name: a policy knows only its own namespace, which is {{ stageset.namespace() }}, not {{ spec.targetRef.name | quote }}; write that
{%- endif %}
{%- else %}
{{- target(at, spec.targetRef, known) }}
{{- alsoAdmits(at, get(known, printf("policy.linkerd.io %s %s/%s", spec.targetRef.kind, stageset.namespace(), spec.targetRef.name))) }}
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

{#- The Server or route that an AuthorizationPolicy or an HTTPLocalRateLimitPolicy is for. #}
{%- macro target(at, ref, known) -%}
{%- set name = printf("%s %s %s/%s", ref.group | default("core"), ref.kind, stageset.namespace(), ref.name) %}
{%- if not has_key(known, name) %}
{{ at }}.spec.targetRef: there is no {{ ref.kind }} {{ ref.name | quote }} of namespace {{ stageset.namespace() }} among the rendered objects, and as long as it does not exist this has no effect; add it, or mend the name
{%- endif %}
{%- endmacro %}

{%- macro alsoAdmits(at, port) -%}
{%- if port %}
{{ at }}: also admits its callers to the {{ port }} port, whatever serviceMesh.{{ port }}.from lists; leave it out unless that is meant
{%- endif %}
{%- endmacro %}

{%- macro serverAuthorization(at, spec, known) -%}
{%- if spec.server.name is defined %}
{%- set name = printf("policy.linkerd.io Server %s/%s", stageset.namespace(), spec.server.name) %}
{%- if not has_key(known, name) %}
{{ at }}.spec.server.name: there is no Server {{ spec.server.name | quote }} of namespace {{ stageset.namespace() }} among the rendered objects, and as long as it does not exist this has no effect; add it, or mend the name
{%- else %}
{{- alsoAdmits(at, get(known, name)) }}
{%- endif %}
{%- elif not authorizations.others(spec.server.selector, from_yaml(stageset.labels())) %}
{{ at }}: selects the Servers of the gate and metrics ports too, so it also admits its callers to them, whatever serviceMesh.<port>.from lists; select other Servers unless that is meant
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

{#- `own` is the group that is meant where a parent has none. #}
{%- macro route(at, parents, own, known) -%}
{%- for parent in parents %}
{%- set where = printf("%s.spec.parentRefs[%d]", at, loop.index0) %}
{%- set group = parent.group | default(own) %}
{%- set name = printf("policy.linkerd.io Server %s/%s", stageset.namespace(), parent.name) %}
{%- if parent.kind is not defined %}
{%- if has_key(known, name) or parent.group == "policy.linkerd.io" %}
{{ where }}.kind: is missing, so a Gateway is meant; write kind: Server and group: policy.linkerd.io if that is meant
{%- endif %}
{%- elif parent.kind == "Server" and group != "policy.linkerd.io" %}
{{ where }}.group: {{ group | quote }} has no Server, so this is a route of nothing; write policy.linkerd.io
{%- elif parent.kind == "Server" and parent.namespace and parent.namespace != stageset.namespace() %}
{{ where }}.namespace: Linkerd takes a route for Servers of its own namespace alone, which is {{ stageset.namespace() }}; leave it out
{%- elif parent.kind == "Server" and not has_key(known, name) %}
{{ where }}: there is no Server {{ parent.name | quote }} of namespace {{ stageset.namespace() }} among the rendered objects, and as long as it does not exist this is a route of nothing; add it, or mend the name
{%- elif parent.kind == "Server" and get(known, name) %}
{{ at }}: is a route of the {{ get(known, name) }} port's Server, so a policy for it admits its callers whatever serviceMesh.{{ get(known, name) }}.from lists, and other paths are refused; leave it out unless that is meant
{%- elif parent.kind == "Server" and has_key(known, printf("health %s", parent.name)) %}
{{ at }}: is a route of the health port's Server, and beside a route Linkerd no longer admits kubelet's probes by itself; add an AuthorizationPolicy for it that requires a NetworkAuthentication alone
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro accounts(path, refs) -%}
{%- for ref in refs %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{{- coreGroup(at, ref) }}
{%- if ref.name is not defined %}
{{ at }}.name: is missing, and Linkerd takes no {{ ref.kind }} without a name; for all of a namespace write kind: Namespace with its name
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro coreGroup(at, ref) -%}
{%- if ref.group is defined and ref.group == "" %}
{{ at }}.group: is empty, which Linkerd may not read as the core group; leave it out
{%- endif %}
{%- endmacro %}
