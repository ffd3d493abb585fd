{#- The workload, its storage and its webhook: what kube-apiserver refuses, and what does not work out as written. #}
{%- import "_helpers.tpl" as stageset with context %}
{%- import "_rules_metadata.tpl" as metadata with context %}

{#- Each enabled port has a number of its own, or the rule of one would rule the other as well. #}
{%- macro samePorts() -%}
{%- set ports = [] %}
{%- if Values.gate.enabled %}
{%- set ports = append(ports, dict("name", "gate", "number", Values.ports.gate)) %}
{%- endif %}
{%- set ports = append(ports, dict("name", "health", "number", Values.ports.health)) %}
{%- if Values.mcp.enabled %}
{%- set ports = append(ports, dict("name", "mcp", "number", Values.ports.mcp)) %}
{%- endif %}
{%- set ports = append(ports, dict("name", "metrics", "number", Values.ports.metrics)) %}
{%- if Values.webhook.enabled %}
{%- set ports = append(ports, dict("name", "webhook", "number", Values.ports.webhook)) %}
{%- endif %}
{%- set seen = dict() %}
{%- for port in ports %}
{%- set number = port.number | int | to_string %}
{%- if has_key(seen, number) %}
ports.{{ port.name }}: {{ number }} is also ports.{{ get(seen, number) }}, so the rule of one would rule the other as well; give each enabled port a number of its own
{%- else %}
{%- set _ = set(seen, number, port.name) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- The rest of the chart: what kube-apiserver would refuse, and what does not work out as written. #}
{%- macro refusals() -%}
{%- if Values.webhook.enabled and Values.webhook.certMode == "cert-manager" and not Values.webhook.certManager.issuerRef.name %}
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
{{- watchedTwice() }}
{{- metadata.tooLarge("serviceAccount.annotations", Values.serviceAccount.annotations) }}
{{- metadata.twice("deployment.additionalLabels", Values.deployment.additionalLabels) }}
{{- metadata.twice("pod.additionalLabels", Values.pod.additionalLabels) }}
{%- endmacro %}

{%- macro sameConditions() -%}
{%- set seen = dict() %}
{%- for condition in Values.webhook.matchConditions %}
{%- if has_key(seen, condition.name) %}
webhook.matchConditions[{{ loop.index0 }}].name: {{ condition.name | quote }} is also the name of entry {{ get(seen, condition.name) }}; choose another
{%- else %}
{%- set _ = set(seen, condition.name, loop.index0) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro claim() -%}
{%- if has("ReadWriteOncePod", Values.rollbackStore.pvc.accessModes) and Values.rollbackStore.pvc.accessModes | uniq | len > 1 %}
rollbackStore.pvc.accessModes: ReadWriteOncePod goes with no other access mode; write it alone, or leave it out
{%- endif %}
{%- set path = Values.rollbackStore.pvc.mountPath %}
{%- if path == "/tmp" or (path == "/etc/webhook/certs" and Values.webhook.enabled) %}
rollbackStore.pvc.mountPath: {{ path }} is where another volume of the pod is mounted; choose another path
{%- endif %}
{%- endmacro %}

{#- Each watched namespace gets one RoleBinding, and one container of the cleanup Job. #}
{%- macro watchedTwice() -%}
{#- A container takes 320 bytes of JSON at least, and 3 MiB are the most that kube-apiserver reads of an object. #}
{%- if Values.cleanupOnDelete.enabled and Values.controller.watchNamespaces and len(Values.controller.watchNamespaces) > 10000 %}
controller.watchNamespaces: a container of the cleanup Job for each of {{ len(Values.controller.watchNamespaces) }} namespaces makes it larger than kube-apiserver takes; set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall
{%- endif %}
{%- set names = dict() %}
{%- set containers = dict() %}
{%- for namespace in Values.controller.watchNamespaces %}
{%- set container = regex_replace_all("-+$", trunc(63, printf("cleanup-%s", namespace)), "") %}
{%- if has_key(names, namespace) %}
controller.watchNamespaces[{{ loop.index0 }}]: {{ namespace | quote }} is also entry {{ get(names, namespace) }}; name each namespace once
{%- elif Values.cleanupOnDelete.enabled and has_key(containers, container) %}
controller.watchNamespaces[{{ loop.index0 }}]: cut to 63 characters, the name of its cleanup container is that of entry {{ get(containers, container) }}, {{ container }}; set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall
{%- else %}
{%- set _ = set(names, namespace, loop.index0) %}
{%- set _ = set(containers, container, loop.index0) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.webhook.enabled and Values.webhook.certMode == "cert-manager" and Values.webhook.certManager.issuerRef.kind and not has(Values.webhook.certManager.issuerRef.kind, ["Issuer", "ClusterIssuer"]) %}
webhook.certManager.issuerRef.kind: {{ Values.webhook.certManager.issuerRef.kind | quote }} is no kind of cert-manager's own, which are Issuer and ClusterIssuer, and the group of another can't be named here
{%- endif %}
{{- unitless("resources.memory", Values.resources.memory) }}
{{- unitless("resources.ephemeralStorage", Values.resources.ephemeralStorage) }}
{{- unitless("cleanupOnDelete.resources.memory", Values.cleanupOnDelete.resources.memory) }}
{{- unitless("tmpSizeLimit", Values.tmpSizeLimit) }}
{{- unitless("rollbackStore.pvc.size", Values.rollbackStore.pvc.size) }}
{%- if Values.webhook.enabled and Values.webhook.certMode == "self-signed" and Values.webhook.certManager.issuerRef.name %}
webhook.certManager.issuerRef.name: ignored, because webhook.certMode is self-signed
{%- endif %}
{%- if stageset.multiReplica() and not Values.controller.leaderElect %}
controller.leaderElect: is false, so several pods act on the same StageSets at once
{%- endif %}
{%- if stageset.multiReplica() and Values.rollbackStore.backend == "pvc" and not has("ReadWriteMany", Values.rollbackStore.pvc.accessModes) %}
rollbackStore.pvc.accessModes: without ReadWriteMany only pods of one node can mount the volume, and a pod on another node never starts; add it, run one replica, or use backend s3
{%- endif %}
{%- set budget = Values.podDisruptionBudget %}
{%- if stageset.multiReplica() and budget.maxUnavailable is defined and not (budget.maxUnavailable | to_string) %}
podDisruptionBudget.maxUnavailable: is empty, which takes the place of minAvailable, so the budget says nothing; write null
{%- elif stageset.multiReplica() and budget.maxUnavailable is not defined and (budget.minAvailable is not defined or not (budget.minAvailable | to_string)) %}
podDisruptionBudget.minAvailable: is empty, and so is maxUnavailable, so the budget says nothing; set one of them
{%- endif %}
{%- if Values.cleanupOnDelete.enabled and Values.cleanupOnDelete.activeDeadlineSeconds | int == 0 %}
cleanupOnDelete.activeDeadlineSeconds: 0 ends the Job before it deletes a StageSet, and the uninstall fails; write how long it may take
{%- endif %}
{%- set size = bytes(Values.tmpSizeLimit | default("") | to_string) %}
{%- set limit = bytes(Values.resources.ephemeralStorage | default("") | to_string) %}
{%- if size and limit and size | int >= limit | int %}
tmpSizeLimit: {{ Values.tmpSizeLimit }} is not below resources.ephemeralStorage ({{ Values.resources.ephemeralStorage }}), so a full /tmp gets the pod evicted; write less, or raise resources.ephemeralStorage
{%- endif %}
{%- endmacro %}

{#- A size of less than a kilobyte lacks its unit; one in thousandths of a byte has that of CPU. #}
{%- macro unitless(path, quantity) -%}
{%- if quantity is not defined %}
{%- elif regex_match("^[1-9][0-9]{0,2}$", quantity | to_string) %}
{{ path }}: {{ quantity }} means as many bytes; write the unit, as in {{ quantity }}Mi or {{ quantity }}Gi
{%- elif regex_match("^[0-9]+m$", quantity | to_string) %}
{{ path }}: {{ quantity }} means thousandths of a byte; write the unit, as in 512Mi
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
