{#- Network policies: what exceeds a limit, what has no effect, or another than it seems. #}
{%- import "_helpers.tpl" as stageset with context %}

{#- A ClusterNetworkPolicy has 25 rules in each direction, the chart's own among them. #}
{%- macro refusals() -%}
{%- if Values.networkPolicy.engine == "clusterNetworkPolicy" %}
{%- set own = ["health", "metrics"] %}
{%- if Values.webhook.enabled %}
{%- set own = append(own, "webhook") %}
{%- endif %}
{%- if Values.gate.enabled %}
{%- set own = append(own, "gate") %}
{%- endif %}
{%- if Values.mcp.enabled %}
{%- set own = append(own, "mcp") %}
{%- endif %}
{{- tooMany("networkPolicy.clusterNetworkPolicy.ingress", own, Values.networkPolicy.clusterNetworkPolicy.ingress) }}
{%- if Values.networkPolicy.egress.enabled and Values.networkPolicy.egress.dns %}
{{- tooMany("networkPolicy.clusterNetworkPolicy.egress", ["dns"], Values.networkPolicy.clusterNetworkPolicy.egress) }}
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro tooMany(path, own, rules) -%}
{%- if rules and len(concat(own, rules)) > 25 %}
{{ path }}: has {{ len(rules) }} rules, which with those for {{ own | join(", ") }} are {{ len(concat(own, rules)) }}, and a ClusterNetworkPolicy takes 25; merge some
{%- endif %}
{%- endmacro %}

{%- macro warnings() -%}
{%- set engine = "kubernetes" %}
{%- if Values.networkPolicy.engine %}
{%- set engine = Values.networkPolicy.engine %}
{%- endif %}
{%- set peers = [
  dict("path", "networkPolicy.webhook.from", "list", Values.networkPolicy.webhook.from),
  dict("path", "networkPolicy.metrics.from", "list", Values.networkPolicy.metrics.from),
  dict("path", "networkPolicy.gate.from", "list", Values.networkPolicy.gate.from),
  dict("path", "networkPolicy.mcp.from", "list", Values.networkPolicy.mcp.from),
] %}
{%- set ingress = [
  dict("path", "networkPolicy.additionalIngress", "engine", "kubernetes", "list", Values.networkPolicy.additionalIngress),
  dict("path", "networkPolicy.cilium.ingress", "engine", "cilium", "list", Values.networkPolicy.cilium.ingress),
  dict("path", "networkPolicy.calico.ingress", "engine", "calico", "list", Values.networkPolicy.calico.ingress),
  dict("path", "networkPolicy.clusterNetworkPolicy.ingress", "engine", "clusterNetworkPolicy", "list", Values.networkPolicy.clusterNetworkPolicy.ingress),
] %}
{%- set egress = [
  dict("path", "networkPolicy.egress.to", "engine", "kubernetes", "list", Values.networkPolicy.egress.to),
  dict("path", "networkPolicy.cilium.egress", "engine", "cilium", "list", Values.networkPolicy.cilium.egress),
  dict("path", "networkPolicy.calico.egress", "engine", "calico", "list", Values.networkPolicy.calico.egress),
  dict("path", "networkPolicy.clusterNetworkPolicy.egress", "engine", "clusterNetworkPolicy", "list", Values.networkPolicy.clusterNetworkPolicy.egress),
] %}
{%- if Values.networkPolicy.enabled %}
{%- for entry in peers %}
{%- if entry.list and engine != "kubernetes" %}
{{ entry.path }}: ignored, because networkPolicy.engine is {{ engine }}, whose policy restricts no port's callers
{%- endif %}
{%- endfor %}
{%- for entry in concat(ingress, egress) %}
{%- if entry.list and entry.engine != engine %}
{{ entry.path }}: ignored, because networkPolicy.engine is {{ engine }}
{%- endif %}
{%- endfor %}
{%- for entry in egress %}
{%- if entry.engine == engine and entry.list and not Values.networkPolicy.egress.enabled %}
{{ entry.path }}: ignored, because networkPolicy.egress.enabled is false, so all outgoing traffic stays open
{%- elif entry.engine == engine and not entry.list and Values.networkPolicy.egress.enabled and engine != "clusterNetworkPolicy" %}
networkPolicy.egress.enabled: no rule lets the controller reach kube-apiserver, and without it the controller does nothing; add one for the address and port of kube-apiserver, and for what else the controller calls, to {{ entry.path }}
{%- endif %}
{%- endfor %}
{%- if engine == "cilium" %}
{{- cilium() }}
{%- endif %}
{%- if engine == "clusterNetworkPolicy" %}
{{- clusterNetworkPolicy() }}
{%- elif engine == "cilium" and Values.networkPolicy.defaultDeny.enabled %}
networkPolicy.defaultDeny.enabled: denies nothing, because Cilium leaves a direction open whose list of rules is empty, and may refuse the policy; apply a CiliumNetworkPolicy of your own with the rule {} in each direction
{%- elif Values.networkPolicy.defaultDeny.enabled %}
networkPolicy.defaultDeny.enabled: denies every other pod of namespace {{ stageset.namespace() }} too, until a policy of its own admits its traffic
{%- endif %}
{%- else %}
{%- for entry in concat(peers, ingress, egress) %}
{%- if entry.list %}
{{ entry.path }}: ignored, because networkPolicy.enabled is false, so nothing is restricted
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{#- Unlike the other dialects, this one refuses nothing of its own accord, and its deny-all is an ordinary rule. #}
{%- macro clusterNetworkPolicy() -%}
{%- if Values.networkPolicy.defaultDeny.enabled %}
networkPolicy.defaultDeny.enabled: denies traffic between pods, for every other pod of namespace {{ stageset.namespace() }} too, until a policy of its own admits its traffic; nodes and addresses outside the cluster stay open
{%- if Values.networkPolicy.defaultDeny.order | int > 1000 %}
networkPolicy.defaultDeny.order: {{ Values.networkPolicy.defaultDeny.order | int }} is no priority of a ClusterNetworkPolicy, so kube-apiserver refuses the deny-all; write 1000 or less, and a lower networkPolicy.clusterNetworkPolicy.priority
{%- elif Values.networkPolicy.defaultDeny.order | int <= Values.networkPolicy.clusterNetworkPolicy.priority | int %}
networkPolicy.defaultDeny.order: {{ Values.networkPolicy.defaultDeny.order | int }} is not above networkPolicy.clusterNetworkPolicy.priority, so the deny-all may come first and refuse the controller's callers; write a lower priority there
{%- endif %}
{%- elif not denials(Values.networkPolicy.clusterNetworkPolicy.ingress) and not (Values.networkPolicy.egress.enabled and denials(Values.networkPolicy.clusterNetworkPolicy.egress)) %}
networkPolicy.engine: a ClusterNetworkPolicy without a Deny rule restricts nothing; set networkPolicy.defaultDeny.enabled, or add Deny rules to networkPolicy.clusterNetworkPolicy
{%- endif %}
{%- endmacro %}

{%- macro denials(rules) -%}
{%- for rule in rules %}
{%- if rule.action == "Deny" %}
{{- rule.action }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- What Cilium reads otherwise than it is written: https://docs.cilium.io/en/v1.18/security/policy/language/ #}
{%- macro cilium() -%}
{%- for rule in Values.networkPolicy.cilium.ingress %}
{%- set at = printf("networkPolicy.cilium.ingress[%d]", loop.index0) %}
{%- if rule.fromNodes %}
{{ at }}.fromNodes: Cilium refuses the whole policy unless its own setting enable-node-selector-labels is on
{%- endif %}
{{- ciliumPorts(at, rule.toPorts) }}
{%- endfor %}
{%- if Values.networkPolicy.egress.enabled %}
{%- for rule in Values.networkPolicy.cilium.egress %}
{%- set at = printf("networkPolicy.cilium.egress[%d]", loop.index0) %}
{%- if rule.toNodes %}
{{ at }}.toNodes: Cilium refuses the whole policy unless its own setting enable-node-selector-labels is on
{%- endif %}
{{- ciliumPorts(at, rule.toPorts) }}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{%- macro ciliumPorts(path, list) -%}
{%- for entry in list %}
{%- set at = printf("%s.toPorts[%d]", path, loop.index0) %}
{%- for port in entry.ports %}
{%- if port.endPort and port.endPort | int < port.port | int %}
{{ at }}.ports[{{ loop.index0 }}].endPort: {{ port.endPort | int }} is below port, {{ port.port }}, so Cilium reads {{ port.port }} alone; write the higher number here
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}
