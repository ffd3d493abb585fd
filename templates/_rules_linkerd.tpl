{#- What Linkerd's callers and objects may be: https://linkerd.io/2/reference/authorization-policy/ #}
{%- import "_authorizations.tpl" as authorizations with context %}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro refusals() -%}
{{- callers("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- callers("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{%- if Values.serviceMesh.mcp.from %}
serviceMesh.mcp.from: linkerd renders no Server for the mcp port, so this restriction would be dropped; remove it and put a Server, a MeshTLSAuthentication and an AuthorizationPolicy for port {{ Values.ports.mcp | int }} into serviceMesh.linkerd.authorizations
{%- endif %}
{%- if Values.namespace.create %}
{{- health() }}
{%- endif %}
{%- endmacro %}

{%- macro health() -%}
{%- if Values.serviceMesh.defaultDeny.enabled and authorizations.opaqueHealth() %}
ports.health: {{ Values.ports.health | int }} is a port that Linkerd takes for opaque, so under the default policy deny kubelet's probes fail and no pod gets ready; choose another port
{%- endif %}
{%- endmacro %}

{#- Prints something when an entry has principals. #}
{%- macro identified(sources) -%}
{%- for entry in sources %}
{%- if entry.principals %}true{% endif %}
{%- endfor %}
{%- endmacro %}

{%- macro callers(path, sources) -%}
{%- if sources and not identified(sources) %}
{{ path }}: no entry has principals, and Linkerd knows callers by identity alone, so nothing would be left to authorize; name the callers' identities under principals
{%- endif %}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for principal in entry.principals %}
{%- if not regex_match("^(\\*|(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|spiffe://[^*]+)$", principal) %}
{%- if regex_match("^[^/*]+/ns/[a-z0-9-]+/sa/[a-z0-9.-]+$", principal) %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is an Istio identity; write {{ regex_replace_all("^[^/]+/ns/([^/]+)/sa/([^/]+)$", principal, "${2}.${1}.serviceaccount.identity.linkerd.cluster.local") | quote }}
{%- else %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is no Linkerd identity; write *, *.<suffix>, <service account>.<namespace>.serviceaccount.identity.linkerd.cluster.local in lower case, or a spiffe:// id without a *
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.mtls %}
serviceMesh.mtls: ignored, because Linkerd has mTLS between meshed pods always on and no setting for it
{%- endif %}
{%- if Values.serviceMesh.istio.rules %}
serviceMesh.istio.rules: ignored, because serviceMesh.engine is linkerd
{%- endif %}
{{- ignored("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- ignored("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- proxyPorts() }}
{%- if not Values.namespace.create %}
{{- health() }}
{%- endif %}
{%- if Values.mcp.enabled and not (authorizations.covered() | contains("/mcp/")) %}
mcp.enabled: linkerd renders no Server for the mcp port {{ Values.ports.mcp | int }}, so only the default inbound policy rules it; add one with an AuthorizationPolicy to serviceMesh.linkerd.authorizations
{%- endif %}
{%- if Values.serviceMesh.defaultDeny.enabled %}
{%- if Values.namespace.create %}
serviceMesh.defaultDeny.enabled: a pod takes the namespace's default policy when it starts; restart the pods that run already
{%- else %}
serviceMesh.defaultDeny.enabled: renders nothing without namespace.create; set it yourself with `kubectl annotate namespace {{ stageset.namespace() }} config.linkerd.io/default-inbound-policy=deny` and restart the pods that run already
{%- endif %}
{%- if Values.webhook.enabled and not (authorizations.covered() | contains("/webhook/")) %}
webhook.enabled: the default policy deny also rules ports without a Server, so kube-apiserver, which is not meshed, is refused on port {{ Values.ports.webhook | int }} and admission breaks; add a Server for it (proxyProtocol TLS) with a NetworkAuthentication and an AuthorizationPolicy to serviceMesh.linkerd.authorizations, or annotate the namespace with config.linkerd.io/skip-inbound-ports
{%- endif %}
{%- endif %}
{%- endmacro %}

{#- What of the callers matches nobody. #}
{%- macro ignored(path, sources) -%}
{%- for entry in sources %}
{%- if entry.namespaces %}
{{ path }}[{{ loop.index0 }}].namespaces: ignored, because Linkerd knows callers by identity alone; a namespace's callers are *.<namespace>.serviceaccount.identity.linkerd.cluster.local under principals
{%- endif %}
{{- authorizations.nobodys(printf("%s[%d].principals", path, loop.index0), entry.principals) }}
{%- endfor %}
{%- endmacro %}

{#- Ports that the proxy listens on as Linkerd installs it. #}
{%- macro proxyPorts() -%}
{%- set pod = dict() %}
{{- authorizations.readPod(pod) }}
{%- for number in ["4140", "4143", "4190", "4191"] %}
{%- if has_key(pod.ports, number) %}
ports.{{ get(pod.ports, number) }}: {{ number }} is a port of Linkerd's proxy, beside which nothing in the pod can listen on it, and no policy rules it; choose another
{%- endif %}
{%- endfor %}
{%- endmacro %}
