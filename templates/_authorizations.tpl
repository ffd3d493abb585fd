{#- What is looked up in the Linkerd objects that serviceMesh.linkerd.authorizations adds. #}
{%- import "_helpers.tpl" as stageset with context %}

{%- macro namespaceOf(object) -%}
{%- if object.metadata.namespace %}
{{- object.metadata.namespace }}
{%- else %}
{{- stageset.namespace() }}
{%- endif %}
{%- endmacro %}

{#- What an object is called within the cluster, whatever its version. #}
{%- macro identity(object) -%}
{{- printf("%s %s %s/%s", regex_replace_all("/.*", object.apiVersion, ""), object.kind, namespaceOf(object), object.metadata.name) }}
{%- endmacro %}

{#- Prints something for an object that values.schema.json has a definition of; of others nothing is known but their names. #}
{%- macro defined(object) -%}
{%- if regex_match("^(policy\\.linkerd\\.io/(v1alpha1 (AuthorizationPolicy|EgressNetwork|HTTPLocalRateLimitPolicy|MeshTLSAuthentication|NetworkAuthentication)|v1(alpha1|beta1) ServerAuthorization|v1(alpha1|beta[123]) (Server|HTTPRoute))|gateway\\.networking\\.k8s\\.io/(v1 GRPCRoute|v1(beta1)? HTTPRoute))$", printf("%s %s", object.apiVersion, object.kind)) -%}
true
{%- endif %}
{%- endmacro %}

{#- Puts what the pack renders into `found`, as far as it may also be added: a mesh object with the port that it is for. #}
{%- macro rendered(found) -%}
{%- set place = printf("%s/%s", stageset.namespace(), stageset.name()) %}
{%- for what in ["v1 ServiceAccount", "apps Deployment", "rbac.authorization.k8s.io ClusterRole"] %}
{%- set _ = set(found, printf("%s %s", what, place), "") %}
{%- endfor %}
{%- for service in [dict("port", "gate", "on", Values.gate.enabled), dict("port", "mcp", "on", Values.mcp.enabled and Values.mcp.service.enabled), dict("port", "metrics", "on", true), dict("port", "webhook", "on", Values.webhook.enabled)] %}
{%- if service.on %}
{%- set _ = set(found, printf("v1 Service %s-%s", place, service.port), "") %}
{%- endif %}
{%- endfor %}
{%- if Values.networkPolicy.enabled and (not Values.networkPolicy.engine or Values.networkPolicy.engine == "kubernetes") %}
{%- set _ = set(found, printf("networking.k8s.io NetworkPolicy %s", place), "") %}
{%- endif %}
{%- if Values.namespace.create %}
{%- set _ = set(found, printf("v1 Namespace %s/%s", stageset.namespace(), stageset.namespace()), "") %}
{%- endif %}
{%- for kind in ["Server", "MeshTLSAuthentication", "AuthorizationPolicy"] %}
{%- set prefix = printf("policy.linkerd.io %s %s", kind, place) %}
{%- set _ = set(found, printf("%s-metrics", prefix), "metrics") %}
{%- if Values.gate.enabled %}
{%- set _ = set(found, printf("%s-gate", prefix), "gate") %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Fills `pod` with the ports of the controller's pods by number and by name; portOf adds their labels. #}
{%- macro readPod(pod) -%}
{%- set ports = dict("health", "health", "metrics", "metrics") %}
{%- set _ = set(ports, Values.ports.health | int | to_string, "health") %}
{%- set _ = set(ports, Values.ports.metrics | int | to_string, "metrics") %}
{%- if Values.gate.enabled %}
{%- set _ = set(ports, "gate", "gate") %}
{%- set _ = set(ports, Values.ports.gate | int | to_string, "gate") %}
{%- endif %}
{%- if Values.mcp.enabled %}
{%- set _ = set(ports, "mcp", "mcp") %}
{%- set _ = set(ports, Values.ports.mcp | int | to_string, "mcp") %}
{%- endif %}
{%- if Values.webhook.enabled %}
{%- set _ = set(ports, "webhook", "webhook") %}
{%- set _ = set(ports, Values.ports.webhook | int | to_string, "webhook") %}
{%- endif %}
{%- set _ = set(pod, "ports", ports) %}
{%- endmacro %}

{#- Prints something for a label selector that does not select these labels. #}
{%- macro others(selector, labels) -%}
{%- if selector.matchLabels %}
{%- for key in keys(selector.matchLabels) %}
{%- if get(labels, key) != get(selector.matchLabels, key) %}
{{- key }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- for wanted in selector.matchExpressions %}
{%- if wanted.operator == "In" and not has(get(labels, wanted.key), wanted.values) %}
{{- wanted.key }}
{%- elif wanted.operator == "NotIn" and has_key(labels, wanted.key) and has(get(labels, wanted.key), wanted.values) %}
{{- wanted.key }}
{%- elif wanted.operator == "Exists" and not has_key(labels, wanted.key) %}
{{- wanted.key }}
{%- elif wanted.operator == "DoesNotExist" and has_key(labels, wanted.key) %}
{{- wanted.key }}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints which of the controller's ports a Server covers, by number or by name. #}
{%- macro portOf(object, pod) -%}
{%- if object.kind == "Server" and defined(object) %}
{%- if has_key(pod.ports, object.spec.port | to_string) and selects(object, pod) %}
{{- get(pod.ports, object.spec.port | to_string) }}
{%- endif %}
{%- endif %}
{%- endmacro %}

{#- Prints something for a Server of the controller's pods. #}
{%- macro selects(object, pod) -%}
{%- if object.spec.podSelector is defined and namespaceOf(object) == stageset.namespace() %}
{%- if not has_key(pod, "labels") %}
{%- set _ = set(pod, "labels", merge_overwrite(from_yaml(stageset.labels()), Values.pod.additionalLabels | default(dict()))) %}
{%- endif %}
{%- if not others(object.spec.podSelector, pod.labels) -%}
true
{%- endif %}
{%- endif %}
{%- endmacro %}

{#- Prints the ports that the added Servers cover, each in slashes. #}
{%- macro covered() -%}
{%- set pod = dict() %}
{{- readPod(pod) }}
{%- for object in Values.serviceMesh.linkerd.authorizations %}
{%- set port = portOf(object, pod) %}
{%- if port %}/{{ port }}/{% endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints something when annotations of the namespace take a port past the proxy: numbers and ranges, parted by commas. #}
{%- macro skips(annotations, number) -%}
{%- for part in split_list(",", get(annotations, "config.linkerd.io/skip-inbound-ports") | default("")) %}
{%- set ends = split_list("-", printf("%s-%s", trim(part), trim(part))) %}
{%- if index(ends, 0) | int <= number | int and index(ends, 1) | int >= number | int -%}
true
{%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Prints something where Linkerd takes the health port for opaque, and so sees no probes, and no added Server says otherwise. #}
{%- macro opaqueHealth() -%}
{%- if has(Values.ports.health | int | to_string, ["25", "587", "3306", "4444", "5432", "6379", "9300", "11211"]) and not (covered() | contains("/health/")) -%}
true
{%- endif %}
{%- endmacro %}

{#- Warns of identities that no certificate of Linkerd has: each is of a service account, or a SPIFFE ID. #}
{%- macro nobodys(path, identities) -%}
{%- for principal in identities %}
{%- if (not regex_match("^(\\*|spiffe://.*|(\\*\\.|[^.]+\\..+\\.)serviceaccount\\.identity\\.[^.]+\\..+|\\*\\.identity\\.[^.]+\\..+)$", principal) and (not has_prefix("*", principal) or regex_match("[*.](serviceaccount|identity)(\\.|$)", principal))) or regex_match("^[^/]*([^./]{64}|\\.identity\\.cluster\\.local$)", principal) %}
{{ path }}[{{ loop.index0 }}]: nobody has the identity {{ principal | quote }}; write <service account>.<namespace>.serviceaccount.identity.linkerd.<trust domain>
{%- elif regex_match("^\\*\\.[^.]+\\.[^.]+\\.serviceaccount\\.identity\\.", principal) %}
{{ path }}[{{ loop.index0 }}]: {{ principal | quote }} leaves out {{ principal | trim_prefix("*.") | quote }} itself; leave *. out for that one, or name only the namespace behind it
{%- endif %}
{%- endfor %}
{%- endmacro %}
