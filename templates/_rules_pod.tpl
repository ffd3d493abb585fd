{#- The pod: what its affinity, spread constraints and security contexts may be together. #}

{%- macro refusals() -%}
{{- spreadTwice() }}
{%- if Values.affinity and Values.affinity.podAffinity %}
{{- terms("affinity.podAffinity", Values.affinity.podAffinity) }}
{%- endif %}
{%- if Values.affinity and Values.affinity.podAntiAffinity %}
{{- terms("affinity.podAntiAffinity", Values.affinity.podAntiAffinity) }}
{%- endif %}
{%- if Values.podSecurityContext and Values.podSecurityContext.sysctls %}
{{- sysctlTwice() }}
{%- endif %}
{%- endmacro %}

{%- macro spreadTwice() -%}
{%- set seen = dict() %}
{%- for constraint in Values.topologySpreadConstraints %}
{%- set key = printf("%s %s", constraint.topologyKey, constraint.whenUnsatisfiable) %}
{%- if has_key(seen, key) %}
topologySpreadConstraints[{{ loop.index0 }}]: topologyKey {{ constraint.topologyKey }} with whenUnsatisfiable {{ constraint.whenUnsatisfiable }} is also entry {{ get(seen, key) }}; leave one of them out
{%- else %}
{%- set _ = set(seen, key, loop.index0) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro terms(path, affinity) -%}
{%- for term in affinity.requiredDuringSchedulingIgnoredDuringExecution %}
{{- labelKeys(printf("%s.requiredDuringSchedulingIgnoredDuringExecution[%d]", path, loop.index0), term) }}
{%- endfor %}
{%- for entry in affinity.preferredDuringSchedulingIgnoredDuringExecution %}
{{- labelKeys(printf("%s.preferredDuringSchedulingIgnoredDuringExecution[%d].podAffinityTerm", path, loop.index0), entry.podAffinityTerm) }}
{%- endfor %}
{%- endmacro %}

{%- macro labelKeys(path, term) -%}
{%- if term.matchLabelKeys and term.mismatchLabelKeys %}
{%- set known = dict() %}
{%- for key in term.matchLabelKeys %}
{%- set _ = set(known, key, true) %}
{%- endfor %}
{%- for key in term.mismatchLabelKeys %}
{%- if has_key(known, key) %}
{{ path }}.mismatchLabelKeys[{{ loop.index0 }}]: {{ key }} is also in matchLabelKeys, and no pod has the same and another value; leave it out of one
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}

{%- macro sysctlTwice() -%}
{%- set seen = dict() %}
{%- for sysctl in Values.podSecurityContext.sysctls %}
{%- if has_key(seen, sysctl.name) %}
podSecurityContext.sysctls[{{ loop.index0 }}].name: {{ sysctl.name }} is also entry {{ get(seen, sysctl.name) }}; leave one of them out
{%- else %}
{%- set _ = set(seen, sysctl.name, loop.index0) %}
{%- endif %}
{%- endfor %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.podSecurityContext and Values.podSecurityContext.seLinuxChangePolicy == "MountOption" %}
podSecurityContext.seLinuxChangePolicy: MountOption is refused by a kube-apiserver without the feature gate SELinuxMount, which Kubernetes 1.34 has off by default
{%- endif %}
{%- endmacro %}
