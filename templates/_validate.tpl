{#- What no single value shows to be wrong. `refusals` and `warnings` print one line per finding, "path: sentence"; a
finding of `refusals` stops the rendering, because what would be rendered is invalid or weaker than what was written. #}
{%- import "_rules_components.tpl" as components with context %}
{%- import "_rules_istio.tpl" as istio with context %}
{%- import "_rules_istio_rules.tpl" as rules with context %}
{%- import "_rules_linkerd.tpl" as linkerd with context %}
{%- import "_rules_linkerd_effects.tpl" as effects with context %}
{%- import "_rules_linkerd_objects.tpl" as objects with context %}
{%- import "_rules_mesh.tpl" as mesh with context %}
{%- import "_rules_monitoring.tpl" as monitoring with context %}
{%- import "_rules_network.tpl" as network with context %}
{%- import "_rules_pod.tpl" as pods with context %}
{%- import "_rules_ranges.tpl" as ranges with context %}
{%- import "_rules_workload.tpl" as workload with context %}

{%- macro validate() -%}
{%- set findings = refusals() | trim %}
{%- if findings %}
{{- fail(findings) }}
{%- endif %}
{%- endmacro %}

{%- macro refusals() -%}
{{- workload.samePorts() }}
{%- if Values.serviceMesh.enabled %}
{{- mesh.refusals() }}
{%- endif %}
{%- if Values.serviceMesh.enabled and Values.serviceMesh.engine == "istio" %}
{{- rules.refusals() }}
{%- elif Values.serviceMesh.enabled %}
{{- linkerd.refusals() }}
{{- objects.refusals() }}
{%- endif %}
{{- workload.refusals() }}
{{- pods.refusals() }}
{%- if Values.networkPolicy.enabled %}
{{- network.refusals() }}
{{- ranges.refusals() }}
{%- endif %}
{{- monitoring.refusals() }}
{%- endmacro %}

{%- macro warnings() -%}
{{- mesh.warnings() }}
{%- if Values.serviceMesh.enabled and Values.serviceMesh.engine == "istio" %}
{{- istio.warnings() }}
{{- rules.warnings() }}
{%- elif Values.serviceMesh.enabled %}
{{- linkerd.warnings() }}
{{- effects.warnings() }}
{%- endif %}
{{- workload.warnings() }}
{{- components.warnings() }}
{{- pods.warnings() }}
{{- network.warnings() }}
{{- monitoring.warnings() }}
{%- endmacro %}
