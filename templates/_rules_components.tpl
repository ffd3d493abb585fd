{#- What the API takes and a component does not: kubelet, the container runtime, the controller's own flags, cert-manager. #}

{%- macro warnings() -%}
{{- references() }}
{{- quantities() }}
{{- flags() }}
{{- switches() }}
{%- for secret in Values.imagePullSecrets %}
{%- if not secret %}
imagePullSecrets[{{ loop.index0 }}]: is empty, so kubelet takes no Secret from it; leave it out
{%- else %}
{{- odd(printf("imagePullSecrets[%d].name", loop.index0), secret.name, "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", "the name of a Secret, so kubelet finds none") }}
{%- endif %}
{%- endfor %}
{%- if Values.webhook.enabled and Values.webhook.certMode == "cert-manager" %}
{{- odd("webhook.certManager.issuerRef.name", Values.webhook.certManager.issuerRef.name, "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", "the name of an issuer, so cert-manager finds none") }}
{%- endif %}
{%- if Values.rollbackStore.backend == "pvc" %}
{{- odd("rollbackStore.pvc.mountPath", Values.rollbackStore.pvc.mountPath, "^(/[^/:]+)+/?$", "an absolute path without a colon, other than /, so the pod may not start") }}
{%- set path = Values.rollbackStore.pvc.mountPath | default("") %}
{%- if path == "/tmp/" or (path == "/etc/webhook/certs/" and Values.webhook.enabled) %}
rollbackStore.pvc.mountPath: {{ path }} is where another volume of the pod is mounted, and one hides the other; choose another path
{%- endif %}
{%- endif %}
{%- if Values.securityContext and Values.securityContext.capabilities %}
{{- capabilities(Values.securityContext.capabilities) }}
{%- endif %}
{%- endmacro %}

{%- macro odd(path, value, pattern, wanted) -%}
{%- if value is not defined %}
{{ path }}: is null, which is not {{ wanted }}
{%- elif not regex_match(pattern, value | to_string) %}
{{ path }}: {{ trunc(60, value | to_string) | quote }} is not {{ wanted }}
{%- endif %}
{%- endmacro %}

{%- macro capabilities(lists) -%}
{{- names("securityContext.capabilities.add", lists.add) }}
{{- names("securityContext.capabilities.drop", lists.drop) }}
{%- endmacro %}

{%- macro names(path, list) -%}
{%- for name in list %}
{{- odd(printf("%s[%d]", path, loop.index0), name, "^[A-Za-z_]+$", "the name of a capability such as NET_BIND_SERVICE, so the container may not start") }}
{%- endfor %}
{%- endmacro %}

{#- https://pkg.go.dev/github.com/distribution/reference, by which kubelet reads an image. #}
{%- macro references() -%}
{%- set host = "^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:]+\\])(:[0-9]+)?(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$" %}
{%- set repository = "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$" %}
{%- set tag = "^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?$" %}
{{- odd("image.registry", Values.image.registry, host, "a registry host such as registry.example:5000, so kubelet can't pull the image") }}
{{- odd("image.repository", Values.image.repository, repository, "an image repository such as team/app, so kubelet can't pull the image") }}
{{- odd("image.tag", Values.image.tag | default("latest"), tag, "an image tag such as v1.2.3, or a tag with @sha256:<digest>, so kubelet can't pull the image") }}
{%- if Values.cleanupOnDelete.enabled %}
{{- odd("cleanupOnDelete.image.registry", Values.cleanupOnDelete.image.registry, host, "a registry host such as registry.example:5000, so kubelet can't pull the image") }}
{{- odd("cleanupOnDelete.image.repository", Values.cleanupOnDelete.image.repository, repository, "an image repository such as team/app, so kubelet can't pull the image") }}
{{- odd("cleanupOnDelete.image.tag", Values.cleanupOnDelete.image.tag, tag, "an image tag such as v1.2.3, or a tag with @sha256:<digest>, so kubelet can't pull the image") }}
{%- endif %}
{%- endmacro %}

{#- A quantity that is empty is 0, which as a request asks for nothing, and as a limit is none; but kubelet evicts a pod
that uses more than its ephemeral storage, 0 or not. #}
{%- macro quantities() -%}
{%- set wanted = "a quantity; the API reads 0, which limits nothing" %}
{%- set evicting = "a quantity; the API reads 0, and kubelet evicts the pod once it writes anything" %}
{{- odd("resources.cpu", Values.resources.cpu, ".", wanted) }}
{{- odd("resources.memory", Values.resources.memory, ".", wanted) }}
{{- odd("resources.ephemeralStorage", Values.resources.ephemeralStorage, ".", evicting) }}
{{- odd("tmpSizeLimit", Values.tmpSizeLimit, ".", wanted) }}
{%- if Values.cleanupOnDelete.enabled %}
{{- odd("cleanupOnDelete.resources.cpu", Values.cleanupOnDelete.resources.cpu, ".", wanted) }}
{{- odd("cleanupOnDelete.resources.memory", Values.cleanupOnDelete.resources.memory, ".", wanted) }}
{{- odd("cleanupOnDelete.resources.ephemeralStorage", Values.cleanupOnDelete.resources.ephemeralStorage, ".", evicting) }}
{%- endif %}
{%- endmacro %}

{#- What the controller and kubectl are started with. #}
{%- macro flags() -%}
{%- set duration = "^[-+]?(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$" %}
{%- set wanted = "a duration such as 90s or 1h30m, so the controller does not start" %}
{{- odd("controller.defaultInterval", Values.controller.defaultInterval, duration, wanted) }}
{{- odd("controller.inventoryShardCap", Values.controller.inventoryShardCap, "^[1-9]", "a number of entries above 0") }}
{%- for host in Values.controller.allowedActionHosts %}
{{- odd(printf("controller.allowedActionHosts[%d]", loop.index0), host, "^\\S+$", "a host without blanks, so it allows none") }}
{%- endfor %}
{%- if Values.controller.tracing.endpoint %}
{{- odd("controller.tracing.endpoint", Values.controller.tracing.endpoint, "^[!-.0-~]+:[0-9]+$", "a host with a port, such as otel.observability:4317") }}
{{- odd("controller.tracing.sampleRatio", Values.controller.tracing.sampleRatio, ".", "a number from 0 to 1, so the controller does not start") }}
{{- odd("controller.tracing.insecure", Values.controller.tracing.insecure, ".", "true or false, so the controller does not start") }}
{%- endif %}
{%- if Values.webhook.enabled and Values.webhook.certMode == "self-signed" %}
{{- odd("webhook.certValidity", Values.webhook.certValidity, duration, wanted) }}
{%- endif %}
{%- if Values.cleanupOnDelete.enabled %}
{{- odd("cleanupOnDelete.kubectlTimeout", Values.cleanupOnDelete.kubectlTimeout, duration, "a duration such as 90s or 1h30m, so the cleanup fails and the uninstall with it") }}
{%- endif %}
{%- if Values.rollbackStore.backend == "s3" %}
{{- odd("rollbackStore.s3.endpoint", Values.rollbackStore.s3.endpoint, "^\\S+$", "a host without blanks") }}
{{- odd("rollbackStore.s3.sse", Values.rollbackStore.s3.sse, "^(none|s3|kms)$", "one of none, s3 and kms, so the controller does not start") }}
{{- odd("rollbackStore.s3.useSSL", Values.rollbackStore.s3.useSSL, ".", "true or false, so the controller does not start") }}
{{- odd("rollbackStore.s3.anonymous", Values.rollbackStore.s3.anonymous, ".", "true or false, so the controller does not start") }}
{%- endif %}
{%- endmacro %}

{#- Null is no. #}
{%- macro switches() -%}
{{- off("crds.create", Values.crds.create) }}
{{- off("controller.leaderElect", Values.controller.leaderElect) }}
{{- off("cleanupOnDelete.enabled", Values.cleanupOnDelete.enabled) }}
{{- off("gate.enabled", Values.gate.enabled) }}
{{- off("mcp.service.enabled", Values.mcp.service.enabled) }}
{{- off("networkPolicy.egress.dns", Values.networkPolicy.egress.dns) }}
{{- odd("webhook.enabled", Values.webhook.enabled, ".", "true or false, so the controller does not start") }}
{%- endmacro %}

{%- macro off(path, value) -%}
{%- if value is not defined %}
{{ path }}: is null, which turns it off; write false, or leave it out for true, its default
{%- endif %}
{%- endmacro %}
