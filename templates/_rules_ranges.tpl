{#- Network policies: a range that ends before it begins, and an exception outside of what it is taken from. #}
{%- import "_rules_exceptions.tpl" as excepted with context %}

{#- Only of what is rendered: the rules of a server that is off, and of a direction that is, are not. #}
{%- macro refusals() -%}
{%- set engine = Values.networkPolicy.engine | default("kubernetes") %}
{%- if engine == "kubernetes" %}
{{- kubernetes() }}
{%- elif engine == "cilium" %}
{%- for rule in Values.networkPolicy.cilium.ingress %}
{{- cidrs(printf("networkPolicy.cilium.ingress[%d].fromCIDRSet", loop.index0), rule.fromCIDRSet) }}
{%- endfor %}
{%- elif engine == "calico" %}
{{- calico("networkPolicy.calico.ingress", Values.networkPolicy.calico.ingress) }}
{%- else %}
{{- policy("networkPolicy.clusterNetworkPolicy.ingress", Values.networkPolicy.clusterNetworkPolicy.ingress) }}
{%- endif %}
{%- if Values.networkPolicy.egress.enabled and engine == "kubernetes" %}
{%- for rule in Values.networkPolicy.egress.to %}
{%- set at = printf("networkPolicy.egress.to[%d]", loop.index0) %}
{{- blocks(printf("%s.to", at), rule.to) }}
{{- ports(printf("%s.ports", at), rule.ports) }}
{%- endfor %}
{%- elif Values.networkPolicy.egress.enabled and engine == "cilium" %}
{%- for rule in Values.networkPolicy.cilium.egress %}
{%- set at = printf("networkPolicy.cilium.egress[%d]", loop.index0) %}
{{- cidrs(printf("%s.toCIDRSet", at), rule.toCIDRSet) }}
{{- dnsPorts(printf("%s.toPorts", at), rule.toPorts) }}
{%- endfor %}
{%- elif Values.networkPolicy.egress.enabled and engine == "calico" %}
{{- calico("networkPolicy.calico.egress", Values.networkPolicy.calico.egress) }}
{%- elif Values.networkPolicy.egress.enabled %}
{{- policy("networkPolicy.clusterNetworkPolicy.egress", Values.networkPolicy.clusterNetworkPolicy.egress) }}
{%- endif %}
{%- endmacro %}

{%- macro kubernetes() -%}
{%- if Values.webhook.enabled %}
{{- blocks("networkPolicy.webhook.from", Values.networkPolicy.webhook.from) }}
{%- endif %}
{{- blocks("networkPolicy.metrics.from", Values.networkPolicy.metrics.from) }}
{%- if Values.gate.enabled %}
{{- blocks("networkPolicy.gate.from", Values.networkPolicy.gate.from) }}
{%- endif %}
{%- if Values.mcp.enabled %}
{{- blocks("networkPolicy.mcp.from", Values.networkPolicy.mcp.from) }}
{%- endif %}
{%- for rule in Values.networkPolicy.additionalIngress %}
{%- set at = printf("networkPolicy.additionalIngress[%d]", loop.index0) %}
{{- blocks(printf("%s.from", at), rule.from) }}
{{- ports(printf("%s.ports", at), rule.ports) }}
{%- endfor %}
{%- endmacro %}

{%- macro blocks(path, peers) -%}
{%- for peer in peers %}
{%- if peer.ipBlock and peer.ipBlock.except %}
{{- excepted.outsiders(printf("%s[%d].ipBlock.except", path, loop.index0), peer.ipBlock.cidr, peer.ipBlock.except, 1) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro ports(path, list) -%}
{%- for entry in list %}
{%- if entry.endPort and entry.endPort | int < entry.port | int %}
{{ path }}[{{ loop.index0 }}].endPort: {{ entry.endPort | int }} is below port, {{ entry.port | int }}, where the range begins; write the higher number here
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Unlike a NetworkPolicy, Cilium takes an exception that leaves nothing. #}
{%- macro cidrs(path, list) -%}
{%- for entry in list %}
{%- if entry.cidr and entry.except %}
{{- excepted.outsiders(printf("%s[%d].except", path, loop.index0), entry.cidr, entry.except, 0) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro dnsPorts(path, list) -%}
{%- for entry in list %}
{%- set at = printf("%s[%d].ports", path, loop.index0) %}
{%- if entry.rules and entry.rules.dns %}
{%- for port in entry.ports %}
{%- if port.endPort and port.endPort | int > port.port | int %}
{{ at }}[{{ loop.index0 }}].endPort: makes a range of ports, which goes with no rules of dns; leave it out, or write an entry of toPorts for each port
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro calico(path, rules) -%}
{%- for rule in rules %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- if rule.source %}
{{- spans(printf("%s.source.ports", at), rule.source.ports) }}
{{- spans(printf("%s.source.notPorts", at), rule.source.notPorts) }}
{%- endif %}
{%- if rule.destination %}
{{- spans(printf("%s.destination.ports", at), rule.destination.ports) }}
{{- spans(printf("%s.destination.notPorts", at), rule.destination.notPorts) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro spans(path, list) -%}
{%- for entry in list %}
{%- set ends = entry | to_string | split_list(":") %}
{%- if first(ends) | int > last(ends) | int %}
{{ path }}[{{ loop.index0 }}]: {{ entry }} ends before it begins; write {{ last(ends) }}:{{ first(ends) }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro policy(path, rules) -%}
{%- for rule in rules %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for protocol in rule.protocols %}
{%- set within = printf("%s.protocols[%d]", at, loop.index0) %}
{{- numbers(printf("%s.tcp", within), protocol.tcp) }}
{{- numbers(printf("%s.udp", within), protocol.udp) }}
{{- numbers(printf("%s.sctp", within), protocol.sctp) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro numbers(path, port) -%}
{%- if port and port.destinationPort and port.destinationPort.range and port.destinationPort.range.start | int >= port.destinationPort.range.end | int %}
{{ path }}.destinationPort.range.end: {{ port.destinationPort.range.end | int }} is not above start, {{ port.destinationPort.range.start | int }}; write a higher number, or number for a single port
{%- endif %}
{%- endmacro %}
