{{- /*
To be included first in every template. In a values file a key without a value is null, and then Helm leaves the default out as well. Maps and
lists are empty then; a section that holds defaults is an error.
*/ -}}
{{- define "exporter.prepare" -}}
{{- range $key := list "config" "commonLabels" "commonAnnotations" "global" "podAnnotations" "podLabels" }}
{{- if kindIs "invalid" (index $.Values $key) }}
{{- $_ := set $.Values $key dict }}
{{- end }}
{{- end }}
{{- range $key := list "accounts" "tokens" "extraArgs" "extraEnv" "imagePullSecrets" }}
{{- if kindIs "invalid" (index $.Values $key) }}
{{- $_ := set $.Values $key list }}
{{- end }}
{{- end }}
{{- range $section := list "apiToken" "caFile" "dashboards" "image" "networkPolicy" "podDisruptionBudget" "podMonitor" "prometheusRule" "proxy" "service" "serviceAccount" "serviceMonitor" "webConfig" }}
{{- if kindIs "invalid" (index $.Values $section) }}
{{- fail (printf "%s: has no values; remove the line, or give some (with helm upgrade --reuse-values: use --reset-then-reuse-values)" $section) }}
{{- end }}
{{- end }}
{{- range $path := list "dashboards.annotations" "dashboards.labels" "podMonitor.endpoint" "prometheusRule.additionalRuleAnnotations" "prometheusRule.additionalRuleLabels" "serviceMonitor.endpoint" "service.ipDualStack" }}
{{- $keys := splitList "." $path }}
{{- $section := index $.Values (first $keys) }}
{{- if kindIs "invalid" (index $section (last $keys)) }}
{{- $_ := set $section (last $keys) dict }}
{{- end }}
{{- end }}
{{- if not .Values.prometheusRule.alerts }}
{{- fail "prometheusRule.alerts: has no values; remove the line, or give some (with helm upgrade --reuse-values: use --reset-then-reuse-values)" }}
{{- end }}
{{- end }}

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
app.kubernetes.io/name: {{ include "exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- /*
The metadata of an object: root, name, and optionally namespace, labels and annotations. What is given for the object wins over
what is given for all; nothing wins over the labels that selectors go by.
*/ -}}
{{- define "exporter.metadata" -}}
{{- $selector := include "exporter.selectorLabels" .root | fromYaml }}
{{- $labels := merge dict $selector (default dict .labels) .root.Values.commonLabels (include "exporter.labels" .root | fromYaml) }}
{{- $annotations := merge dict (default dict .annotations) .root.Values.commonAnnotations }}
metadata:
  name: {{ .name | quote }}
  namespace: {{ default (include "exporter.namespace" .root) .namespace | quote }}
  labels:
    {{- toYaml $labels | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- $repository := .Values.image.repository }}
{{- with default .Values.image.registry .Values.global.imageRegistry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "exporter.imagePullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets }}
{{- range .Values.global.imagePullSecrets }}
{{- $secrets = append $secrets (ternary . (dict "name" .) (kindIs "map" .)) }}
{{- end }}
{{- with uniq $secrets }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- /* The Secret with the token of all accounts without their own; empty if each has its own. */ -}}
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
{{- $web := default dict .Values.config.web }}
{{- default "/metrics" (default (get $web "telemetry-path") $web.telemetry_path) }}
{{- end }}

{{- /* The proxy's port, for the NetworkPolicy; empty without a proxy. A URL without a port means that of its scheme. */ -}}
{{- define "exporter.proxyPort" -}}
{{- $proxy := .Values.proxy }}
{{- if $proxy.port }}
{{- $proxy.port }}
{{- else if $proxy.url }}
{{- $url := urlParse $proxy.url }}
{{- default (get (dict "http" "80" "https" "443" "socks5" "1080") $url.scheme) (regexFind ":[0-9]+$" $url.host | trimPrefix ":") }}
{{- end }}
{{- end }}

{{- define "exporter.env" -}}
{{- $env := list }}
{{- if .Values.proxy.existingSecret }}
{{- $key := dict "name" .Values.proxy.existingSecret "key" .Values.proxy.existingSecretKey }}
{{- $env = append $env (dict "name" "HTTPS_PROXY" "valueFrom" (dict "secretKeyRef" $key)) }}
{{- else if .Values.proxy.url }}
{{- $env = append $env (dict "name" "HTTPS_PROXY" "value" .Values.proxy.url) }}
{{- end }}
{{- with .Values.proxy.noProxy }}
{{- $env = append $env (dict "name" "NO_PROXY" "value" .) }}
{{- end }}
{{- with concat $env .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.scheme" -}}
{{- if .Values.webConfig.https }}https{{ else }}http{{ end }}
{{- end }}

{{- /* Whether the API token comes from elsewhere than apiToken, so far as it can be seen here. */ -}}
{{- define "exporter.tokenGivenElsewhere" -}}
{{- $cloudflare := default dict .Values.config.cloudflare }}
{{- $names := list "CLOUDFLARE_API_TOKEN" "CLOUDFLARE_API_TOKEN_FILE" "TUNNEL_EXPORTER_CLOUDFLARE_API_TOKEN" "TUNNEL_EXPORTER_CLOUDFLARE_API_TOKEN_FILE" }}
{{- $given := or .Values.envFrom (hasKey $cloudflare "api_token_file") (hasKey $cloudflare "api-token-file") }}
{{- range .Values.extraEnv }}
{{- if has .name $names }}
{{- $given = true }}
{{- end }}
{{- end }}
{{- if or $given (contains "--cloudflare.api-token-file" (join " " .Values.extraArgs)) }}true{{ end }}
{{- end }}

{{- /* What a schema cannot say. */ -}}
{{- define "exporter.validate" -}}
{{- if hasKey .Values.config "accounts" }}
{{- fail "config.accounts: give accounts as the value accounts, beside config" }}
{{- end }}
{{- if hasKey .Values.config "tokens" }}
{{- fail "config.tokens: give tokens as the value tokens, beside config" }}
{{- end }}
{{- $web := default dict .Values.config.web }}
{{- if or (hasKey $web "listen_address") (hasKey $web "listen-address") }}
{{- fail "config.web.listen_address: the exporter listens on port 20240 in its Pod; set service.port for another one of the Service" }}
{{- end }}
{{- if hasKey $web "config" }}
{{- fail "config.web.config: give the Secret with the web configuration file as webConfig.existingSecret" }}
{{- end }}
{{- if and .Values.apiToken.value .Values.apiToken.existingSecret }}
{{- fail "apiToken: both value and existingSecret are set; keep one" }}
{{- end }}
{{- if not (or .Values.apiToken.value .Values.apiToken.existingSecret .Values.tokens (include "exporter.tokenGivenElsewhere" .)) }}
{{- if not .Values.accounts }}
{{- fail "there is no API token: set apiToken.existingSecret, or apiToken.value" }}
{{- end }}
{{- range .Values.accounts }}
{{- if not .apiTokenSecret }}
{{- fail (printf "account %s has no API token: set apiToken.existingSecret, apiToken.value, or apiTokenSecret of the account" .id) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (gt (int .Values.shards) 1) }}
{{- fail "replicas and shards: both are above 1; keep one" }}
{{- end }}
{{- if and .Values.proxy.url .Values.proxy.existingSecret }}
{{- fail "proxy: both url and existingSecret are set; keep one" }}
{{- end }}
{{- if and .Values.proxy.url (not (regexMatch "^(https?|socks5)://[^@/]+/?$" .Values.proxy.url)) }}
{{- fail "proxy.url: give http://<host>:<port>; a URL with a password belongs in a Secret, named by proxy.existingSecret" }}
{{- end }}
{{- if and .Values.proxy.existingSecret .Values.networkPolicy.enabled (not .Values.proxy.port) }}
{{- fail "proxy.port: with proxy.existingSecret the NetworkPolicy needs the proxy's port here; set it, or networkPolicy.enabled=false" }}
{{- end }}
{{- if and .Values.caFile.configMap .Values.caFile.existingSecret }}
{{- fail "caFile: both configMap and existingSecret are set; keep one" }}
{{- end }}
{{- if hasKey .Values.prometheusRule.additionalRuleLabels "severity" }}
{{- fail "prometheusRule.additionalRuleLabels.severity: set the severity of each alert, as prometheusRule.alerts.<alert>.severity" }}
{{- end }}
{{- end }}

{{- /*
How many Pods spend the same request budget: every replica, and every shard if they share a token or a budget group. Which shard an account
falls to, a template cannot say, so two accounts of one token may be of two shards. A token that finds accounts is used by all shards.
*/ -}}
{{- define "exporter.budgetShares" -}}
{{- $groups := dict }}
{{- range concat .Values.accounts .Values.tokens }}
{{- if .budgetGroup }}
{{- $_ := set $groups (include "exporter.tokenOf" .) .budgetGroup }}
{{- end }}
{{- end }}
{{- $uses := list }}
{{- range .Values.accounts }}
{{- $uses = append $uses (include "exporter.tokenOf" .) }}
{{- end }}
{{- range $token := .Values.tokens }}
{{- range default (list "found" "found") .accounts }}
{{- $uses = append $uses (include "exporter.tokenOf" $token) }}
{{- end }}
{{- end }}
{{- $owners := dict }}
{{- $shared := not $uses }}
{{- range $uses }}
{{- $owner := get $groups . | default . }}
{{- if or (eq . "the token of all") (hasKey $owners $owner) }}
{{- $shared = true }}
{{- end }}
{{- $_ := set $owners $owner true }}
{{- end }}
{{- ternary (include "exporter.pods" .) .Values.replicas $shared }}
{{- end }}

{{- /* The source of the token of an account, or of an entry of tokens. */ -}}
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
{{- $tokens := list }}
{{- range $index, $given := .Values.tokens }}
{{- $token := dict "api_token_file" (printf "/etc/cloudflare-tunnel-exporter/tokens/%d/%s" $index .apiTokenSecret.key) }}
{{- if .accounts }}
{{- $_ := set $token "accounts" .accounts }}
{{- end }}
{{- if .budgetGroup }}
{{- $_ := set $token "budget_group" .budgetGroup }}
{{- end }}
{{- $tokens = append $tokens $token }}
{{- end }}
{{- $file := dict }}
{{- if $accounts }}
{{- $_ := set $file "accounts" $accounts }}
{{- end }}
{{- if $tokens }}
{{- $_ := set $file "tokens" $tokens }}
{{- end }}
{{- merge $file .Values.config | toYaml }}
{{- end }}
