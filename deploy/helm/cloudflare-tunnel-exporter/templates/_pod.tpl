{{- /* The Pod of Deployment and StatefulSet. */ -}}
{{- define "exporter.pod" -}}
metadata:
  annotations:
    {{- /* A changed configuration rolls the Pods. A rotated token does not: it is read again. */}}
    checksum/config: {{ include "exporter.configFile" . | sha256sum }}
    {{- with omit .Values.podAnnotations "checksum/config" }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- merge dict (include "exporter.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "exporter.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with include "exporter.imagePullSecrets" . }}
  imagePullSecrets:
    {{- . | nindent 4 }}
  {{- end }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with .Values.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml .Values.topologySpreadConstraints | nindent 4 }}
  {{- else if gt (include "exporter.pods" . | int) 1 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "exporter.selectorLabels" . | nindent 10 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "exporter.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --config.file=/etc/cloudflare-tunnel-exporter/config/config.yaml
        {{- if include "exporter.apiTokenSecret" . }}
        - --cloudflare.api-token-file=/etc/cloudflare-tunnel-exporter/token/{{ include "exporter.apiTokenKey" . }}
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - --web.config.file=/etc/cloudflare-tunnel-exporter/web/{{ .Values.webConfig.existingSecretKey }}
        {{- end }}
        {{- if or .Values.caFile.configMap .Values.caFile.existingSecret }}
        - --cloudflare.ca-file=/etc/cloudflare-tunnel-exporter/ca/{{ .Values.caFile.key }}
        {{- end }}
        {{- $shares := include "exporter.budgetShares" . | int }}
        {{- $given := or (dig "cloudflare" "request_budget" "" .Values.config) (contains "--cloudflare.request-budget" (join " " .Values.extraArgs)) }}
        {{- if and (gt $shares 1) (not $given) }}
        - --cloudflare.request-budget={{ max 1 (div 600 $shares) }}
        {{- end }}
        {{- if gt (int .Values.shards) 1 }}
        - --shard.total={{ .Values.shards }}
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with include "exporter.env" . }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: metrics
          containerPort: 20240
          protocol: TCP
      {{- $scheme := include "exporter.scheme" . }}
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- include "exporter.probe" (dict "scheme" $scheme "path" "/livez" "probe" .) | nindent 8 }}
      {{- end }}
      {{- with .Values.livenessProbe }}
      livenessProbe:
        {{- include "exporter.probe" (dict "scheme" $scheme "path" "/livez" "probe" .) | nindent 8 }}
      {{- end }}
      {{- with .Values.readinessProbe }}
      readinessProbe:
        {{- include "exporter.probe" (dict "scheme" $scheme "path" "/readyz" "probe" .) | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /etc/cloudflare-tunnel-exporter/config
          readOnly: true
        {{- if include "exporter.apiTokenSecret" . }}
        - name: api-token
          mountPath: /etc/cloudflare-tunnel-exporter/token
          readOnly: true
        {{- end }}
        {{- range .Values.accounts }}
        {{- if .apiTokenSecret }}
        - name: token-{{ .id }}
          mountPath: /etc/cloudflare-tunnel-exporter/tokens/{{ .id }}
          readOnly: true
        {{- end }}
        {{- end }}
        {{- range $index, $_ := .Values.tokens }}
        - name: token-{{ $index }}
          mountPath: /etc/cloudflare-tunnel-exporter/tokens/{{ $index }}
          readOnly: true
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - name: web-config
          mountPath: /etc/cloudflare-tunnel-exporter/web
          readOnly: true
        {{- end }}
        {{- if or .Values.caFile.configMap .Values.caFile.existingSecret }}
        - name: ca
          mountPath: /etc/cloudflare-tunnel-exporter/ca
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "exporter.fullname" . }}
    {{- with include "exporter.apiTokenSecret" . }}
    - name: api-token
      {{- include "exporter.secretVolume" . | nindent 6 }}
    {{- end }}
    {{- range .Values.accounts }}
    {{- if .apiTokenSecret }}
    - name: token-{{ .id }}
      {{- include "exporter.secretVolume" .apiTokenSecret.name | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- range $index, $token := .Values.tokens }}
    - name: token-{{ $index }}
      {{- include "exporter.secretVolume" .apiTokenSecret.name | nindent 6 }}
    {{- end }}
    {{- with .Values.webConfig.existingSecret }}
    - name: web-config
      {{- include "exporter.secretVolume" . | nindent 6 }}
    {{- end }}
    {{- if .Values.caFile.configMap }}
    - name: ca
      configMap:
        name: {{ .Values.caFile.configMap }}
    {{- else if .Values.caFile.existingSecret }}
    - name: ca
      {{- include "exporter.secretVolume" .Values.caFile.existingSecret | nindent 6 }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "exporter.secretVolume" -}}
secret:
  secretName: {{ . }}
  defaultMode: 288 # 0440
  optional: false
{{- end }}

{{- /* A probe whose values name a handler of their own keeps it. */ -}}
{{- define "exporter.probe" -}}
{{- $probe := deepCopy .probe }}
{{- if not (or .probe.httpGet .probe.exec .probe.tcpSocket .probe.grpc) }}
{{- $handler := dict "path" .path "port" "metrics" }}
{{- if eq .scheme "https" }}
{{- $_ := set $handler "scheme" "HTTPS" }}
{{- end }}
{{- $_ := set $probe "httpGet" $handler }}
{{- end }}
{{- toYaml $probe }}
{{- end }}
