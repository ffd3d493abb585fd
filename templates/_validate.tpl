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
{{- istioRules() }}
{%- elif Values.serviceMesh.enabled %}
{{- linkerdSources("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- linkerdSources("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{%- if Values.serviceMesh.mcp.from %}
serviceMesh.mcp.from: linkerd renders no Server for the mcp port, so this restriction would be dropped; remove it and put a Server, a MeshTLSAuthentication and an AuthorizationPolicy for port {{ Values.ports.mcp | int }} into serviceMesh.linkerd.authorizations
{%- endif %}
{{- linkerdNames() }}
{%- endif %}
{{- chartRefusals() }}
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
{{- istioPrincipals(printf("%s.principals", at), entry.principals) }}
{{- istioNamespaces(printf("%s.namespaces", at), entry.namespaces) }}
{%- endfor %}
{%- endmacro %}

{%- macro istioPrincipals(path, principals) -%}
{%- for principal in principals %}
{%- if principal | has_prefix("spiffe://") %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} never matches, because Istio compares identities without the scheme; write {{ principal | trim_prefix("spiffe://") | quote }}
{%- elif not regex_match("^(\\*|\\*[^*]+|[^*]+\\*?)$", principal) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} has a * where Istio takes it literally; it may stand alone, first or last
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro istioNamespaces(path, namespaces) -%}
{%- for namespace in namespaces %}
{%- if regex_match("^\\*s?a$", namespace) %}
{{ path }}[{{ loop.index0 }}]: {{ namespace | quote }} matches every meshed caller, because Istio looks for it in the whole identity and finds the /sa/ of <trust domain>/ns/<namespace>/sa/<service account>; list the namespaces by name
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- A rule is passed through as it is, but its callers are held to the same: a pattern of notPrincipals that never matches
would let in the very caller it names. #}
{%- macro istioRules() -%}
{%- for rule in Values.serviceMesh.istio.rules %}
{%- set at = printf("serviceMesh.istio.rules[%d].from", loop.index0) %}
{%- for item in rule.from %}
{%- set source = printf("%s[%d].source", at, loop.index0) %}
{{- istioPrincipals(printf("%s.principals", source), item.source.principals) }}
{{- istioPrincipals(printf("%s.notPrincipals", source), item.source.notPrincipals) }}
{{- istioNamespaces(printf("%s.namespaces", source), item.source.namespaces) }}
{{- istioNamespaces(printf("%s.notNamespaces", source), item.source.notNamespaces) }}
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
{%- if regex_match("^[^/*]+/ns/[a-z0-9-]+/sa/[a-z0-9.-]+$", principal) %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is an Istio identity; write {{ regex_replace_all("^[^/]+/ns/([^/]+)/sa/([^/]+)$", principal, "${2}.${1}.serviceaccount.identity.linkerd.cluster.local") | quote }}
{%- else %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is no Linkerd identity; write *, *.<suffix>, <service account>.<namespace>.serviceaccount.identity.linkerd.cluster.local in lower case, or a spiffe:// id without a *
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- Two objects of one kind and name: the one applied last would replace the other, and its restriction with it. And two
Servers of one port: Linkerd leaves open which one rules. #}
{%- macro linkerdNames() -%}
{%- set ports = [dict("name", "metrics", "number", Values.ports.metrics)] %}
{%- if Values.gate.enabled %}
{%- set ports = append(ports, dict("name", "gate", "number", Values.ports.gate)) %}
{%- endif %}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set at = loop.index0 %}
{%- for port in ports %}
{%- if has(object.kind, ["Server", "MeshTLSAuthentication", "AuthorizationPolicy"]) and object.metadata.name == printf("%s-%s", stageset.name(), port.name) and stageset.namespaceOf(object) == stageset.namespace() %}
serviceMesh.linkerd.authorizations[{{ at }}].metadata.name: {{ object.kind }} {{ object.metadata.name | quote }} is rendered already, and the one applied last would replace the other; choose another name
{%- elif stageset.linkerdServer(object, port.name, port.number) %}
serviceMesh.linkerd.authorizations[{{ at }}].spec.port: the {{ port.name }} port has a Server already, and with two of them Linkerd leaves open which one rules; say who may call it in serviceMesh.{{ port.name }}.from
{%- endif %}
{%- endfor %}
{%- if object.kind == "Namespace" and object.metadata.name == stageset.namespace() and Values.namespace.create %}
serviceMesh.linkerd.authorizations[{{ at }}].metadata.name: Namespace {{ object.metadata.name | quote }} is rendered already, and the one applied last would replace the other; leave it out, or set namespace.create to false
{%- endif %}
{%- for other in Values.serviceMesh.linkerd.authorizations %}
{%- if at < loop.index0 and object.kind == other.kind and object.metadata.name == other.metadata.name and stageset.namespaceOf(object) == stageset.namespaceOf(other) %}
serviceMesh.linkerd.authorizations[{{ loop.index0 }}].metadata.name: {{ other.kind }} {{ other.metadata.name | quote }} is also entry {{ at }}, and the one applied last would replace the other; choose another name
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.serviceMesh.enabled %}
{%- if Values.serviceMesh.defaultDeny.enabled %}
serviceMesh.defaultDeny.enabled: denies every other workload of namespace {{ stageset.namespace() }} too, until a policy of its own admits its callers
{%- endif %}
{{- nullWarnings() }}
{%- if Values.serviceMesh.engine == "istio" %}
{{- istioWarnings() }}
{%- else %}
{{- linkerdWarnings() }}
{%- endif %}
{%- elif Values.serviceMesh.gate.from or Values.serviceMesh.metrics.from or Values.serviceMesh.mcp.from or Values.serviceMesh.istio.rules or Values.serviceMesh.linkerd.authorizations %}
serviceMesh.enabled: is false, so none of the callers, rules and authorizations written under serviceMesh is rendered and no port is restricted
{%- endif %}
{{- chartWarnings() }}
{{- networkWarnings() }}
{{- monitoringWarnings() }}
{%- endmacro %}

{#- Helm's null deletes a default, and in a later file also what an earlier one wrote. #}
{%- macro nullWarnings() -%}
{%- if Values.serviceMesh.mtls is not defined %}
serviceMesh.mtls: null renders no PeerAuthentication; write "" if that is meant
{%- endif %}
{%- for port in [dict("name", "gate", "from", Values.serviceMesh.gate.from), dict("name", "metrics", "from", Values.serviceMesh.metrics.from), dict("name", "mcp", "from", Values.serviceMesh.mcp.from)] %}
{%- if port.from is not defined %}
serviceMesh.{{ port.name }}.from: null opens the port to any caller; write [] if that is meant
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro istioWarnings() -%}
{{- linkerdIdentities("serviceMesh.gate.from", Values.serviceMesh.gate.from) }}
{{- linkerdIdentities("serviceMesh.metrics.from", Values.serviceMesh.metrics.from) }}
{{- linkerdIdentities("serviceMesh.mcp.from", Values.serviceMesh.mcp.from) }}
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
{%- else %}
{{- emptied(printf("%s.from", at), rule.from) }}
{{- emptied(printf("%s.to", at), rule.to) }}
{{- emptied(printf("%s.when", at), rule.when) }}
{%- endif %}
{{- dropped(at, omit(rule, "from", "to", "when")) }}
{%- for item in rule.from %}
{{- dropped(printf("%s.from[%d]", at, loop.index0), omit(item, "source")) }}
{{- dropped(printf("%s.from[%d].source", at, loop.index0), omit(item.source, "principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts", "trustDomains", "notTrustDomains", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks")) }}
{%- endfor %}
{%- for item in rule.to %}
{{- dropped(printf("%s.to[%d]", at, loop.index0), omit(item, "operation")) }}
{{- dropped(printf("%s.to[%d].operation", at, loop.index0), omit(item.operation, "hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")) }}
{%- endfor %}
{%- for item in rule.when %}
{{- dropped(printf("%s.when[%d]", at, loop.index0), omit(item, "key", "values", "notValues")) }}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro linkerdIdentities(path, sources) -%}
{%- for entry in sources %}
{%- set at = printf("%s[%d]", path, loop.index0) %}
{%- for principal in entry.principals %}
{%- if principal | contains(".serviceaccount.identity.linkerd.") %}
{{ at }}.principals[{{ loop.index0 }}]: {{ principal | quote }} is a Linkerd identity, which no caller in Istio has; write <trust domain>/ns/<namespace>/sa/<service account>
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro emptied(path, items) -%}
{%- if items is defined and not items %}
{{ path }}: an empty list counts as none in Istio, so it restricts nothing; fill it, or leave it out
{%- endif %}
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
{%- if object.kind == "Server" and object.apiVersion | has_prefix("policy.linkerd.io/") and not targeted(object.metadata.name) and object.spec and object.spec.accessPolicy is not defined %}
{{ at }}: no AuthorizationPolicy of serviceMesh.linkerd.authorizations targets this Server, and a Server admits nobody by itself
{%- endif %}
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

{#- Prints something when an authorization of serviceMesh.linkerd.authorizations is for the Server of that name. #}
{%- macro targeted(name) -%}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- if object.kind == "ServerAuthorization" or (object.kind == "AuthorizationPolicy" and object.spec and object.spec.targetRef and has(object.spec.targetRef.name, [name, stageset.namespace()])) %}
{{- object.metadata.name }}
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

{#- Network policies: what has no effect, or another than it seems. #}
{%- macro networkWarnings() -%}
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
{%- if engine == "clusterNetworkPolicy" %}
{{- clusterNetworkPolicyWarnings() }}
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
{%- macro clusterNetworkPolicyWarnings() -%}
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

{%- macro monitoringWarnings() -%}
{%- if Values.metrics.prometheusRule.enabled and Values.metrics.prometheusRule.extraAlertLabels.severity is defined %}
metrics.prometheusRule.extraAlertLabels.severity: replaces the severity of every built-in alert, critical ones too
{%- endif %}
{%- endmacro %}

{#- The rest of the chart: what kube-apiserver would refuse, and what does not work out as written. #}
{%- macro chartRefusals() -%}
{%- if stageset.certManager() and not Values.webhook.certManager.issuerRef.name %}
webhook.certManager.issuerRef.name: is empty, but with webhook.certMode cert-manager an issuer must sign the certificate; name it
{%- endif %}
{%- if Values.webhook.enabled and not has(Values.webhook.sideEffects, ["None", "NoneOnDryRun"]) %}
webhook.sideEffects: {{ Values.webhook.sideEffects }} is refused by kube-apiserver since admissionregistration.k8s.io/v1; write None or NoneOnDryRun
{%- endif %}
{%- if Values.webhook.enabled %}
{{- sameConditions() }}
{%- endif %}
{%- if Values.rollbackStore.backend == "s3" and not Values.rollbackStore.s3.endpoint %}
rollbackStore.s3.endpoint: is empty, but rollbackStore.backend is s3; write the host of the S3 service
{%- endif %}
{%- if Values.rollbackStore.backend == "s3" and not Values.rollbackStore.s3.bucket %}
rollbackStore.s3.bucket: is empty, but rollbackStore.backend is s3; write the name of the bucket
{%- endif %}
{%- if Values.rollbackStore.backend == "pvc" %}
{{- claim() }}
{%- endif %}
{%- if stageset.scaling() and Values.replicas.min | int == 0 %}
replicas.min: 0 is no lower bound of an autoscaler that measures CPU; write 1 or more, or set replicas.max to 0 as well to run no pod
{%- endif %}
{%- if stageset.multiReplica() and Values.podDisruptionBudget.maxUnavailable is not defined and Values.podDisruptionBudget.minAvailable is not defined %}
podDisruptionBudget.minAvailable: is null, and so is maxUnavailable, so the budget would say nothing; set one of them
{%- endif %}
{{- watchedTwice() }}
{{- labelsTwice("deployment.additionalLabels", Values.deployment.additionalLabels) }}
{{- labelsTwice("pod.additionalLabels", Values.pod.additionalLabels) }}
{%- if Values.metrics.serviceMonitor.enabled %}
{{- labelsTwice("metrics.serviceMonitor.additionalLabels", Values.metrics.serviceMonitor.additionalLabels) }}
{%- endif %}
{%- if Values.metrics.prometheusRule.enabled %}
{{- labelsTwice("metrics.prometheusRule.labels", Values.metrics.prometheusRule.labels) }}
{%- if has(Values.metrics.prometheusRule.runbookAnnotationKey, ["summary", "description"]) %}
metrics.prometheusRule.runbookAnnotationKey: {{ Values.metrics.prometheusRule.runbookAnnotationKey }} is an annotation that every alert has already; choose another
{%- endif %}
{%- for key in keys(Values.metrics.prometheusRule.extraAlertLabels) | sort_alpha %}
{%- if not regex_match("^[A-Za-z_][A-Za-z0-9_]*$", key) %}
metrics.prometheusRule.extraAlertLabels: {{ key | quote }} is no label name of Prometheus; write letters, digits and _, and no digit first
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{%- macro sameConditions() -%}
{%- for condition in Values.webhook.matchConditions %}
{%- set at = loop.index0 %}
{%- for other in Values.webhook.matchConditions %}
{%- if at < loop.index0 and condition.name == other.name %}
webhook.matchConditions[{{ loop.index0 }}].name: {{ other.name | quote }} is also the name of entry {{ at }}; choose another
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{%- macro claim() -%}
{%- if has("ReadWriteOncePod", Values.rollbackStore.pvc.accessModes) and Values.rollbackStore.pvc.accessModes | uniq | len > 1 %}
rollbackStore.pvc.accessModes: ReadWriteOncePod goes with no other access mode; write it alone, or leave it out
{%- endif %}
{%- set path = Values.rollbackStore.pvc.mountPath | trim_suffix("/") %}
{%- if path == "/tmp" or (path == "/etc/webhook/certs" and Values.webhook.enabled) %}
rollbackStore.pvc.mountPath: {{ path }} is where another volume of the pod is mounted; choose another path
{%- endif %}
{%- endmacro %}

{#- Each watched namespace gets one RoleBinding, and one container of the cleanup Job. #}
{%- macro watchedTwice() -%}
{%- for namespace in Values.controller.watchNamespaces %}
{%- set at = loop.index0 %}
{%- for other in Values.controller.watchNamespaces %}
{%- if at < loop.index0 and namespace == other %}
controller.watchNamespaces[{{ loop.index0 }}]: {{ other | quote }} is also entry {{ at }}; name each namespace once
{%- elif at < loop.index0 and Values.cleanupOnDelete.enabled and stageset.cleanupName(namespace) == stageset.cleanupName(other) %}
controller.watchNamespaces[{{ loop.index0 }}]: cut to 63 characters, the name of its cleanup container is that of entry {{ at }}, {{ stageset.cleanupName(other) }}; set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}

{#- A label that is rendered already would stand twice in one map, and a selector could lose its pods. #}
{%- macro labelsTwice(path, map) -%}
{%- if map %}
{%- for key in keys(map) | sort_alpha %}
{%- if contains(printf("\n%s: ", key), printf("\n%s", stageset.labels())) %}
{{ path }}.{{ key | quote }}: is a label that every object of the release has already; choose another
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{%- macro chartWarnings() -%}
{%- if Values.webhook.enabled and Values.webhook.certMode == "self-signed" and Values.webhook.certManager.issuerRef.name %}
webhook.certManager.issuerRef.name: ignored, because webhook.certMode is self-signed
{%- endif %}
{%- if stageset.multiReplica() and not Values.controller.leaderElect %}
controller.leaderElect: is false, so several pods act on the same StageSets at once
{%- endif %}
{%- if stageset.multiReplica() and Values.rollbackStore.backend == "pvc" and not has("ReadWriteMany", Values.rollbackStore.pvc.accessModes) %}
rollbackStore.pvc.accessModes: without ReadWriteMany only pods of one node can mount the volume, and a pod on another node never starts; add it, run one replica, or use backend s3
{%- endif %}
{%- for namespace in Values.controller.watchNamespaces %}
{%- if len(namespace) > 63 %}
controller.watchNamespaces[{{ loop.index0 }}]: no namespace can have this name, because it is longer than 63 characters
{%- endif %}
{%- endfor %}
{%- set size = bytes(Values.tmpSizeLimit | to_string) %}
{%- set limit = bytes(Values.resources.ephemeralStorage | to_string) %}
{%- if size and limit and size | int >= limit | int %}
tmpSizeLimit: {{ Values.tmpSizeLimit }} is not below resources.ephemeralStorage ({{ Values.resources.ephemeralStorage }}), so a full /tmp gets the pod evicted; write less, or raise resources.ephemeralStorage
{%- endif %}
{%- endmacro %}

{#- A quantity as a number of bytes; nothing for 0 and for the forms that are rare for a size: fractions, exponents, P, m. #}
{%- macro bytes(quantity) -%}
{%- if regex_match("^[1-9][0-9]{0,17}$", quantity) %}
{{- quantity }}
{%- elif regex_match("^[1-9][0-9]{0,5}Ki$", quantity) %}
{{- mul(quantity | trim_suffix("Ki"), 1024) }}
{%- elif regex_match("^[1-9][0-9]{0,5}Mi$", quantity) %}
{{- mul(quantity | trim_suffix("Mi"), 1024, 1024) }}
{%- elif regex_match("^[1-9][0-9]{0,5}Gi$", quantity) %}
{{- mul(quantity | trim_suffix("Gi"), 1024, 1024, 1024) }}
{%- elif regex_match("^[1-9][0-9]{0,5}Ti$", quantity) %}
{{- mul(quantity | trim_suffix("Ti"), 1024, 1024, 1024, 1024) }}
{%- elif regex_match("^[1-9][0-9]{0,5}k$", quantity) %}
{{- quantity | trim_suffix("k") }}000
{%- elif regex_match("^[1-9][0-9]{0,5}M$", quantity) %}
{{- quantity | trim_suffix("M") }}000000
{%- elif regex_match("^[1-9][0-9]{0,5}G$", quantity) %}
{{- quantity | trim_suffix("G") }}000000000
{%- elif regex_match("^[1-9][0-9]{0,5}T$", quantity) %}
{{- quantity | trim_suffix("T") }}000000000000
{%- endif %}
{%- endmacro %}
