{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "exporter.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The Secret with the token of all accounts that have none of their own; empty where each has. */ -}}
{{- define "exporter.apiTokenSecret" -}}
{{- if .Values.apiToken.value }}
{{- printf "%s-api-token" (include "exporter.fullname" .) }}
{{- else }}
{{- .Values.apiToken.existingSecret }}
{{- end }}
{{- end }}

{{- define "exporter.apiTokenKey" -}}
{{- if .Values.apiToken.value }}api-token{{ else }}{{ .Values.apiToken.existingSecretKey }}{{ end }}
{{- end }}

{{- define "exporter.pods" -}}
{{- max (int .Values.replicas) (int .Values.shards) }}
{{- end }}

{{- define "exporter.metricsPath" -}}
{{- dig "web" "telemetry_path" "/metrics" .Values.config }}
{{- end }}

{{- define "exporter.scheme" -}}
{{- if .Values.webConfig.https }}https{{ else }}http{{ end }}
{{- end }}

{{- /* What a schema cannot say. */ -}}
{{- define "exporter.validate" -}}
{{- if not .Values.accounts }}
{{- fail "accounts: give at least one, such as --set 'accounts[0].id=<account id>'" }}
{{- end }}
{{- if and .Values.apiToken.value .Values.apiToken.existingSecret }}
{{- fail "apiToken: both value and existingSecret are set; keep one" }}
{{- end }}
{{- if not (or .Values.apiToken.value .Values.apiToken.existingSecret) }}
{{- range .Values.accounts }}
{{- if not .apiTokenSecret }}
{{- fail (printf "account %s has no API token: set apiToken.existingSecret, apiToken.value, or apiTokenSecret of the account" .id) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (gt (int .Values.shards) 1) }}
{{- fail "replicas and shards: both are above 1; keep one" }}
{{- end }}
{{- end }}

{{- /*
How many Pods spend the same request budget: every replica, and every shard if they share a token, that of all accounts or one
that several name, or a budget group. Which shard an account falls to, a template cannot say.
*/ -}}
{{- define "exporter.budgetShares" -}}
{{- $groups := dict }}
{{- range .Values.accounts }}
{{- if .budgetGroup }}
{{- $_ := set $groups (include "exporter.tokenOf" .) .budgetGroup }}
{{- end }}
{{- end }}
{{- $owners := dict }}
{{- $shared := false }}
{{- range .Values.accounts }}
{{- $token := include "exporter.tokenOf" . }}
{{- $owner := get $groups $token | default $token }}
{{- if or (not .apiTokenSecret) (hasKey $owners $owner) }}
{{- $shared = true }}
{{- end }}
{{- $_ := set $owners $owner true }}
{{- end }}
{{- ternary (include "exporter.pods" .) .Values.replicas $shared }}
{{- end }}

{{- /* Where the token of an account comes from. */ -}}
{{- define "exporter.tokenOf" -}}
{{- with .apiTokenSecret }}{{ .name }}/{{ .key }}{{ else }}the token of all{{ end }}
{{- end }}

{{- define "exporter.configFile" -}}
{{- $accounts := list }}
{{- range .Values.accounts }}
{{- $account := dict "id" .id }}
{{- if .name }}
{{- $_ := set $account "name" .name }}
{{- end }}
{{- if .apiTokenSecret }}
{{- $_ := set $account "api_token_file" (printf "/etc/cloudflare-tunnel-exporter/tokens/%s/%s" .id .apiTokenSecret.key) }}
{{- end }}
{{- if .budgetGroup }}
{{- $_ := set $account "budget_group" .budgetGroup }}
{{- end }}
{{- $accounts = append $accounts $account }}
{{- end }}
{{- merge (dict "accounts" $accounts) .Values.config | toYaml }}
{{- end }}
