{#- A CustomResourceDefinition of the controller's release, which the chart adds when it is packaged. Helm must not delete
it with the release: every StageSet would be deleted with it. #}
{%- macro crd(definition) -%}
{%- if Values.crds.create %}
{{- merge_overwrite(definition, dict("metadata", dict("annotations", dict("helm.sh/resource-policy", "keep")))) | to_yaml }}
{%- endif %}
{%- endmacro %}
