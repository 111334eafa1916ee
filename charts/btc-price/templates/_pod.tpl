{{/* What the pods of both programs have in common: Pod Security "restricted", and the authorities' file. */}}
{{- define "btc-price.pod" -}}
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
{{- with .Values.databaseCa }}
{{- if .configMap }}
volumes:
  - name: database-ca
    configMap:
      name: {{ .configMap }}
      items:
        - key: {{ .key }}
          path: ca.pem
{{- end }}
{{- end }}
{{- end -}}

{{/* What the containers of both programs have in common. */}}
{{- define "btc-price.container" -}}
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
{{- if .Values.databaseCa.configMap }}
volumeMounts:
  - name: database-ca
    mountPath: /etc/btc-price
    readOnly: true
{{- end }}
{{- end -}}

{{/* Variables of both programs, then the named settings: by value, else by reference, else not at all. Takes the root and the names. */}}
{{- define "btc-price.env" -}}
{{- $values := (first .).Values -}}
- name: HTTP_HOST
  value: 0.0.0.0
- name: MANAGEMENT_PORT
  value: "5001"
{{- if $values.databaseCa.configMap }}
- name: DATABASE_CA_FILE
  value: /etc/btc-price/ca.pem
{{- end }}
{{- range $name := concat (list "DATABASE_URL" "CURRENCIES" "TIME_ZONE" "MINIMUM_COVERAGE" "LOG_LEVEL" "LOG_FORMAT") (rest .) }}
{{- if index $values.settings $name }}
- name: {{ $name }}
  value: {{ index $values.settings $name | quote }}
{{- else if index $values.secrets $name }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      {{- toYaml (index $values.secrets $name) | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}
