{#- What is surprising about the objects that serviceMesh.linkerd.authorizations adds:
https://linkerd.io/2/reference/authorization-policy/ #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro warnings() -%}
{{- kinds() }}
{{- targeted() }}
{{- served() }}
{{- opened() }}
{{- dangling() }}
{{- sharedPorts() }}
{%- endmacro %}

{%- macro kinds() -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.apiVersion | has_prefix("security.istio.io/") or object.apiVersion | has_prefix("networking.istio.io/") %}
{{ at }}.apiVersion: {{ object.apiVersion }} {{ object.kind }} is Istio's, and serviceMesh.engine is linkerd, which reads none of it
{%- elif object.apiVersion | has_prefix("policy.linkerd.io/") and has(object.kind, ["Server", "ServerAuthorization", "AuthorizationPolicy"]) and authorizations.namespaceOf(object) != stageset.namespace() %}
{{ at }}.metadata.namespace: a {{ object.kind }} of namespace {{ authorizations.namespaceOf(object) }} has no effect on the controller, which runs in {{ stageset.namespace() }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro targeted() -%}
{%- set targets = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "ServerAuthorization" %}
{%- set _ = set(targets, "*", true) %}
{%- elif object.kind == "AuthorizationPolicy" and object.spec and object.spec.targetRef and object.spec.targetRef.name %}
{%- set _ = set(targets, object.spec.targetRef.name, true) %}
{%- endif %}
{%- endfor %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.kind == "Server" and object.apiVersion | has_prefix("policy.linkerd.io/") and not (has_key(targets, object.metadata.name) or has_key(targets, stageset.namespace()) or has_key(targets, "*")) and object.spec and object.spec.accessPolicy is not defined %}
{{ at }}: no AuthorizationPolicy of serviceMesh.linkerd.authorizations targets this Server, and a Server admits nobody by itself
{%- endif %}
{%- if object.kind == "AuthorizationPolicy" and object.spec and object.spec.requiredAuthenticationRefs is defined and not object.spec.requiredAuthenticationRefs %}
{{ at }}.spec.requiredAuthenticationRefs: an empty list opens the target to everyone
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- What is served changes with Linkerd, so another version is not refused. #}
{%- macro served() -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if has(object.kind, ["AuthorizationPolicy", "MeshTLSAuthentication", "NetworkAuthentication"]) and not regex_match("^(policy\\.linkerd\\.io/v1alpha1|security\\.istio\\.io/.*)$", object.apiVersion) %}
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

{#- A Server admits whom any policy for it, for its namespace or for a route of it admits. #}
{%- macro opened() -%}
{%- set ports = dict() %}
{%- for port in ["gate", "metrics"] %}
{%- set _ = set(ports, printf("%s-%s", stageset.name(), port), port) %}
{%- endfor %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d]", loop.index0) %}
{%- if object.apiVersion | has_prefix("policy.linkerd.io/") and authorizations.namespaceOf(object) == stageset.namespace() and object.spec %}
{%- if object.kind == "AuthorizationPolicy" and object.spec.targetRef and object.spec.targetRef.kind == "Namespace" %}
{{ at }}: is for the whole namespace, so it also admits its callers to the gate and metrics ports, whatever serviceMesh.<port>.from lists
{%- elif object.kind == "AuthorizationPolicy" and object.spec.targetRef and object.spec.targetRef.kind == "Server" and has_key(ports, object.spec.targetRef.name | to_string) %}
{{ at }}: also admits its callers to the {{ get(ports, object.spec.targetRef.name) }} port, whatever serviceMesh.{{ get(ports, object.spec.targetRef.name) }}.from lists
{%- elif object.kind == "ServerAuthorization" and object.spec.server and object.spec.server.name and has_key(ports, object.spec.server.name | to_string) %}
{{ at }}: also admits its callers to the {{ get(ports, object.spec.server.name) }} port, whatever serviceMesh.{{ get(ports, object.spec.server.name) }}.from lists
{%- elif object.kind == "ServerAuthorization" and object.spec.server and object.spec.server.selector %}
{{ at }}: selects Servers by label, and those of the gate and metrics ports may be among them, whatever serviceMesh.<port>.from lists
{%- elif object.kind == "HTTPRoute" %}
{%- for parent in object.spec.parentRefs %}
{%- if parent.name and has_key(ports, parent.name | to_string) %}
{{ at }}: is a route of the {{ get(ports, parent.name) }} port's Server, so a policy for it admits its callers whatever serviceMesh.{{ get(ports, parent.name) }}.from lists, and other paths are refused
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A policy that refers to what is not there is ignored as a whole. #}
{%- macro dangling() -%}
{%- set known = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set _ = set(known, printf("%s %s/%s", object.kind, authorizations.namespaceOf(object), object.metadata.name), true) %}
{%- endfor %}
{%- for port in ["gate", "metrics"] %}
{%- set _ = set(known, printf("MeshTLSAuthentication %s/%s-%s", stageset.namespace(), stageset.name(), port), true) %}
{%- endfor %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "AuthorizationPolicy" and object.apiVersion | has_prefix("policy.linkerd.io/") and object.spec %}
{%- set at = printf("serviceMesh.linkerd.authorizations[%d].spec.requiredAuthenticationRefs", loop.index0) %}
{%- set own = authorizations.namespaceOf(object) %}
{%- for ref in object.spec.requiredAuthenticationRefs %}
{%- set namespace = ref.namespace | default(own) %}
{%- if has(ref.kind, ["MeshTLSAuthentication", "NetworkAuthentication"]) and not has_key(known, printf("%s %s/%s", ref.kind, namespace, ref.name)) %}
{{ at }}[{{ loop.index0 }}]: there is no {{ ref.kind }} {{ ref.name | quote }} among serviceMesh.linkerd.authorizations, and as long as it does not exist Linkerd ignores the policy
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The ports for which no Server is rendered: health is spoken to in HTTP, the webhook in TLS. #}
{%- macro sharedPorts() -%}
{%- set seen = dict() %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = loop.index0 %}
{%- for port in [dict("name", "health", "number", Values.ports.health), dict("name", "mcp", "number", Values.ports.mcp), dict("name", "webhook", "number", Values.ports.webhook)] %}
{%- if authorizations.server(object, port.name, port.number) %}
{%- if has_key(seen, port.name) %}
serviceMesh.linkerd.authorizations[{{ at }}].spec.port: the {{ port.name }} port has a Server in entry {{ get(seen, port.name) }} already; of two the older one rules, then the one whose name comes first
{%- endif %}
{%- set _ = set(seen, port.name, at) %}
{%- if port.name == "health" and has(object.spec.proxyProtocol, ["opaque", "TLS"]) %}
serviceMesh.linkerd.authorizations[{{ at }}].spec.proxyProtocol: kubelet probes the health port by HTTP, which Linkerd does not see under {{ object.spec.proxyProtocol }}; write HTTP/1
{%- elif port.name == "webhook" and object.spec.proxyProtocol and object.spec.proxyProtocol | has_prefix("HTTP") %}
serviceMesh.linkerd.authorizations[{{ at }}].spec.proxyProtocol: kube-apiserver speaks TLS to the webhook, which fails under {{ object.spec.proxyProtocol }}; write TLS
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}
