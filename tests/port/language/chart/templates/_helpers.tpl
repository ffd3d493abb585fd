{{/*
The name of everything.
*/}}
{{- define "stageset-controller.name" -}}
{{- .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "stageset-controller.namespace" -}}{{ .Release.Namespace }}{{- end -}}

{{/* registry/repository:tag */}}
{{- define "stageset-controller.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- printf "%s/%s:%s" .Values.image.registry .Values.image.repository $tag -}}
{{- end -}}

{{- define "stageset-controller.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "stageset-controller.labels" -}}
{{ include "stageset-controller.selectorLabels" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "stageset-controller.chart" . }}
{{- end -}}

{{- define "stageset-controller.selectorLabels" -}}
app.kubernetes.io/name: {{ include "stageset-controller.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "stageset-controller.scaling" -}}
{{- if gt (int .Values.replicas.max) (int .Values.replicas.min) -}}
true
{{- end -}}
{{- end -}}

{{- define "stageset-controller.multiReplica" -}}
{{- if or (gt (int .Values.replicas.max) 1) (gt (.Values.replicas.min | int) 1) }}true{{ end -}}
{{- end -}}

{{/*
One container. Takes root, name, scopeArg and cacheDir.
*/}}
{{- define "stageset-controller.cleanupContainer" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- with $values.cleanupOnDelete -}}
- name: {{ $.name }}
  image: "{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}"
  imagePullPolicy: {{ .image.pullPolicy }}
  args:
    - {{ $.scopeArg }}
    - --timeout={{ .kubectlTimeout }}
    - --cache-dir={{ $.cacheDir }}
  resources:
    {{- range $kind := list "requests" "limits" }}
    {{ $kind }}:
      cpu: {{ $root.Values.cleanupOnDelete.resources.cpu }}
      memory: {{ $values.cleanupOnDelete.resources.memory }}
    {{- end }}
{{- end -}}
{{- end -}}
