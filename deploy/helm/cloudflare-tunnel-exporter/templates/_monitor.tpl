{{- /* What ServiceMonitor and PodMonitor have in common: root, monitor (their values). */ -}}
{{- define "exporter.monitor" -}}
{{- $namespace := include "exporter.namespace" .root }}
{{- include "exporter.metadata" (dict "root" .root "name" (include "exporter.fullname" .root) "namespace" .monitor.namespace "labels" .monitor.labels "annotations" .monitor.annotations) }}
spec:
  {{- with .monitor.jobLabel }}
  jobLabel: {{ . | quote }}
  {{- end }}
  {{- with .monitor.targetLabels }}
  targetLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .monitor.podTargetLabels }}
  podTargetLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- range $limit := list "sampleLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
  {{- with get $.monitor $limit }}
  {{ $limit }}: {{ . }}
  {{- end }}
  {{- end }}
  {{- if ne (default $namespace .monitor.namespace) $namespace }}
  namespaceSelector:
    matchNames:
      - {{ $namespace | quote }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "exporter.selectorLabels" .root | nindent 6 }}
{{- end }}

{{- /* What is to be scraped. A field that stands in `endpoint` wins, so that no field is there twice. */ -}}
{{- define "exporter.endpoint" -}}
{{- $endpoint := dict "port" "metrics" "path" (include "exporter.metricsPath" .root) }}
{{- if .root.Values.webConfig.https }}
{{- $_ := set $endpoint "scheme" "https" }}
{{- end }}
{{- range $field := list "interval" "scrapeTimeout" "relabelings" "metricRelabelings" }}
{{- with get $.monitor $field }}
{{- $_ := set $endpoint $field . }}
{{- end }}
{{- end }}
{{- merge dict .monitor.endpoint $endpoint | list | toYaml }}
{{- end }}
