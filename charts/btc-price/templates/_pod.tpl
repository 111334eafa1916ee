{{/* The volumes of a program's pods, as a YAML list. Takes the root context and the program's name. */}}
{{- define "btc-price.volumes" -}}
{{- $values := (first .).Values -}}
{{- with $values.databaseCa.configMap }}
- name: database-ca
  configMap:
    name: {{ . }}
    items:
      - key: {{ $values.databaseCa.key }}
        path: ca.pem
{{- end }}
{{- with (index $values (last .)).databaseCredentials.secret | default $values.databaseCredentials.secret }}
- name: database-credentials
  secret:
    secretName: {{ . }}
{{- end }}
{{- with $values.vaultToken.audience }}
- name: vault-token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ . }}
          expirationSeconds: 3600
          path: token
{{- end }}
{{- if eq (last .) "api" }}
{{- with $values.tls.secret }}
- name: tls
  secret:
    secretName: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The pod fields that both programs share: Pod Security "restricted", and the volumes. Takes the root context and the program's name. */}}
{{- define "btc-price.pod" -}}
{{- $volumes := include "btc-price.volumes" . | trim -}}
{{- with (first .).Values.serviceAccountName -}}
serviceAccountName: {{ . }}
{{ end -}}
{{- with first . -}}
automountServiceAccountToken: false
# Otherwise a Service named "http" in the namespace would set HTTP_PORT.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  seccompProfile:
    type: RuntimeDefault
{{- end }}
{{- with $volumes }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The container fields that both programs share. Takes the root context and the program's name. */}}
{{- define "btc-price.container" -}}
{{- $volumes := include "btc-price.volumes" . | fromYamlArray -}}
{{- with first . -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
startupProbe:
  httpGet: { path: /live, port: management }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /live, port: management }
  periodSeconds: 10
  timeoutSeconds: 3
readinessProbe:
  httpGet: { path: /ready, port: management }
  periodSeconds: 5
  timeoutSeconds: 3
{{- end }}
{{- with $volumes }}
volumeMounts:
  {{- range . }}
  - name: {{ .name }}
    mountPath: /etc/btc-price/{{ .name }}
    readOnly: true
  {{- end }}
{{- end }}
{{- end -}}

{{/* The environment variables of both programs, then the named settings. A setting comes from the program's `settings` or `secrets`, else from the common `settings`, else from the common `secrets`, else it is left out. Takes the root context, the program's name and the names. */}}
{{- define "btc-price.env" -}}
{{- $values := (first .).Values -}}
{{- $program := index $values (index . 1) -}}
- name: HTTP_HOST
  value: 0.0.0.0
{{- if $values.databaseCa.configMap }}
- name: DATABASE_CA_FILE
  value: /etc/btc-price/database-ca/ca.pem
{{- end }}
{{- if $program.databaseCredentials.secret | default $values.databaseCredentials.secret }}
- name: DATABASE_CREDENTIALS_FILE
  value: /etc/btc-price/database-credentials
{{- end }}
{{- if $values.vaultToken.audience }}
- name: VAULT_JWT_FILE
  value: /etc/btc-price/vault-token/token
{{- end }}
{{- range $name := concat (list "DATABASE_URL" "DATABASE_CREDENTIALS" "DATABASE_ROLE" "AWS_REGION" "VAULT_ADDR" "VAULT_NAMESPACE" "VAULT_DATABASE_PATH" "VAULT_AUTH_PATH" "VAULT_ROLE" "CURRENCIES" "TIME_ZONE" "MINIMUM_COVERAGE" "LOG_LEVEL" "LOG_FORMAT") (slice . 2) }}
{{- $secret := index $program.secrets $name }}
{{- $value := index $program.settings $name | default (ternary "" (index $values.settings $name) (not (empty $secret))) }}
{{- with $value }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- else }}
{{- with $secret | default (index $values.secrets $name) }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
