{#- Alerts: their labels and annotations. #}
{%- import "_rules_metadata.tpl" as metadata with context %}

{%- macro refusals() -%}
{%- if Values.metrics.serviceMonitor.enabled %}
{{- metadata.twice("metrics.serviceMonitor.additionalLabels", Values.metrics.serviceMonitor.additionalLabels) }}
{%- endif %}
{%- if Values.metrics.prometheusRule.enabled %}
{{- metadata.twice("metrics.prometheusRule.labels", Values.metrics.prometheusRule.labels) }}
{{- metadata.tooLarge("metrics.prometheusRule.annotations", Values.metrics.prometheusRule.annotations) }}
{%- if has(Values.metrics.prometheusRule.runbookAnnotationKey, ["summary", "description"]) %}
metrics.prometheusRule.runbookAnnotationKey: {{ Values.metrics.prometheusRule.runbookAnnotationKey }} is an annotation that every alert has already; choose another
{%- endif %}
{%- endif %}
{%- endmacro %}

{%- macro warnings() -%}
{%- if Values.metrics.prometheusRule.enabled %}
{%- for key in keys(Values.metrics.prometheusRule.extraAlertLabels) | sort_alpha %}
{%- if not regex_match("^[A-Za-z_][A-Za-z0-9_]*$", key) %}
metrics.prometheusRule.extraAlertLabels: {{ key | quote }} is a label name that Prometheus takes from version 3 on alone; letters, digits and _, no digit first, fit every version
{%- endif %}
{%- endfor %}
{%- if not regex_match("^[A-Za-z_][A-Za-z0-9_]*$", Values.metrics.prometheusRule.runbookAnnotationKey) %}
metrics.prometheusRule.runbookAnnotationKey: {{ Values.metrics.prometheusRule.runbookAnnotationKey | quote }} is an annotation name that Prometheus takes from version 3 on alone; letters, digits and _, no digit first, fit every version
{%- endif %}
{%- endif %}
{%- if Values.metrics.prometheusRule.enabled and Values.metrics.prometheusRule.extraAlertLabels.severity is defined %}
metrics.prometheusRule.extraAlertLabels.severity: replaces the severity of every built-in alert, critical ones too
{%- endif %}
{%- endmacro %}
