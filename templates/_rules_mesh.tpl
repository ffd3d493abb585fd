{#- The mesh, whichever engine it has. #}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro refusals() -%}
{%- if Values.pod.additionalLabels %}
{%- if Values.serviceMesh.engine == "istio" and get(Values.pod.additionalLabels, "sidecar.istio.io/inject") == "false" %}
pod.additionalLabels."sidecar.istio.io/inject": keeps the sidecar out of the pod, and without it no policy of the mesh has an effect; leave the label out, or set serviceMesh.enabled to false
{%- elif Values.serviceMesh.engine == "linkerd" and get(Values.pod.additionalLabels, "linkerd.io/inject") == "disabled" %}
pod.additionalLabels."linkerd.io/inject": keeps the proxy out of the pod, and without it no policy of the mesh has an effect; leave the label out, or set serviceMesh.enabled to false
{%- endif %}
{%- if Values.serviceMesh.engine == "linkerd" %}
{%- for label in ["linkerd.io/control-plane-component", "linkerd.io/cni-resource"] %}
{%- if has_key(Values.pod.additionalLabels, label) %}
pod.additionalLabels.{{ label | quote }}: keeps the proxy out of the pod, and without it no policy of the mesh has an effect; leave the label out, or set serviceMesh.enabled to false
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.enabled %}
{%- if Values.serviceMesh.defaultDeny.enabled and (Values.serviceMesh.engine == "istio" or Values.namespace.create) %}
serviceMesh.defaultDeny.enabled: denies every other workload of namespace {{ stageset.namespace() }} too, until a policy of its own admits its callers
{%- endif %}
{{- nulls() }}
{%- if Values.serviceMesh.engine == "istio" and Values.pod.additionalLabels and has_key(Values.pod.additionalLabels, "sidecar.istio.io/inject") and get(Values.pod.additionalLabels, "sidecar.istio.io/inject") != "true" %}
pod.additionalLabels."sidecar.istio.io/inject": is neither "true" nor "false", so Istio goes by the namespace's label alone, and without the sidecar no policy has an effect; write "true"
{%- endif %}
{%- elif Values.serviceMesh.gate.from or Values.serviceMesh.metrics.from or Values.serviceMesh.mcp.from or Values.serviceMesh.istio.rules or Values.serviceMesh.linkerd.authorizations or Values.serviceMesh.mtls == "strict" or Values.serviceMesh.defaultDeny.enabled %}
serviceMesh.enabled: is false, so nothing else written under serviceMesh is rendered, and no mesh policy restricts a port
{%- endif %}
{%- endmacro %}

{#- Helm's null deletes a default, and in a later file also what an earlier one wrote. #}
{%- macro nulls() -%}
{%- if Values.serviceMesh.mtls is not defined and Values.serviceMesh.engine == "istio" %}
serviceMesh.mtls: null renders no PeerAuthentication; write "" if that is meant
{%- endif %}
{%- for port in [dict("name", "gate", "from", Values.serviceMesh.gate.from), dict("name", "metrics", "from", Values.serviceMesh.metrics.from), dict("name", "mcp", "from", Values.serviceMesh.mcp.from)] %}
{%- if port.from is not defined %}
serviceMesh.{{ port.name }}.from: null is no restriction, like []; write [] if that is meant
{%- endif %}
{%- endfor %}
{%- endmacro %}
