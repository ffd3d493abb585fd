# The default of every value, as plain YAML: the chart's values.yaml. Defaults stand here and nowhere else; what a value
# means and may be is said in values.schema.json.
crds:
  create: true
image:
  registry: ghcr.io
  repository: metio/stageset-controller
  pullPolicy: IfNotPresent
  tag: ""
imagePullSecrets: []
serviceAccount:
  annotations: {}
replicas:
  min: 1
  max: 1
ports:
  metrics: 8080
  health: 8081
  gate: 8082
  mcp: 8084
  webhook: 9443
controller:
  logLevel: info
  logFormat: json
  leaderElect: true
  defaultInterval: 10m
  inventoryShardCap: 5000
  allowedActionHosts: []
  noCrossNamespaceRefs: false
  objectLevelKMS: false
  requireVerifiedMigrationSources: false
  requirePinnedMigrationSources: false
  watchNamespaces: []
  tracing:
    endpoint: ""
    insecure: false
    sampleRatio: 1.0
rbac:
  clusterAdmin: false
  ledgerView: false
cleanupOnDelete:
  enabled: true
  kubectlTimeout: 2m
  activeDeadlineSeconds: 600
  backoffLimit: 2
  image:
    registry: registry.k8s.io
    repository: kubectl
    tag: v1.34.0
    pullPolicy: IfNotPresent
  resources:
    cpu: 100m
    memory: 64Mi
    ephemeralStorage: 16Mi
gate:
  enabled: true
mcp:
  enabled: false
  allowMutations: false
  service:
    enabled: true
webhook:
  enabled: true
  certMode: self-signed
  certValidity: 8760h
  certManager:
    issuerRef:
      kind: Issuer
      name: ""
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 10
  objectSelector: {}
  namespaceSelector: {}
  matchConditions: []
rollbackStore:
  backend: none
  pvc:
    size: 1Gi
    storageClass: ""
    accessModes:
      - ReadWriteMany
    mountPath: /var/lib/stageset/rollback
  s3:
    endpoint: ""
    bucket: ""
    prefix: ""
    region: ""
    useSSL: true
    anonymous: false
    sse: s3
    sseKmsKeyId: ""
    existingSecret: ""
metrics:
  serviceMonitor:
    enabled: false
    interval: 30s
    additionalLabels: {}
  prometheusRule:
    enabled: false
    interval: 30s
    labels: {}
    annotations: {}
    extraAlertLabels: {}
    runbookAnnotationKey: runbook_url
    extraRules: []
    thresholds:
      reconcileErrorRate: 0.1
      reconcileErrorDuration: 10m
      workqueueDepth: 50
      workqueueDuration: 15m
      reconcileLatencySeconds: 30
      reconcileLatencyDuration: 15m
      podDownDuration: 5m
      webhookCertRenewalFailuresPerHour: 1
      webhookCertRenewalFailuresDuration: 30m
      watchEngagementFailuresPerHour: 1
      watchEngagementFailuresDuration: 30m
      budgetFrozenDuration: 15m
      promotionBlockedDuration: 10m
      promotionPendingDuration: 1h
      metricSourceErrorsPerHour: 3
      metricSourceErrorsDuration: 15m
networkPolicy:
  enabled: false
  engine: kubernetes
  defaultDeny:
    enabled: false
    order: 2000
  webhook:
    from: []
  metrics:
    from: []
  gate:
    from: []
  mcp:
    from: []
  cilium:
    ingress: []
    egress: []
  calico:
    ingress: []
    egress: []
  clusterNetworkPolicy:
    priority: 1000
    ingress: []
    egress: []
  additionalIngress: []
  egress:
    enabled: false
    dns: true
    dnsNamespace: kube-system
    to: []
serviceMesh:
  enabled: false
  engine: istio
  mtls: ""
  gate:
    from: []
  metrics:
    from: []
  mcp:
    from: []
  istio:
    rules: []
  linkerd:
    authorizations: []
  defaultDeny:
    enabled: false
namespace:
  create: false
  pssLevel: restricted
resources:
  cpu: 50m
  memory: 256Mi
  ephemeralStorage: 320Mi
tmpSizeLimit: 256Mi
podSecurityContext:
  runAsNonRoot: true
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
  seccompProfile:
    type: RuntimeDefault
nodeSelector: {}
tolerations: []
affinity: {}
topologySpreadConstraints: []
deployment:
  additionalLabels: {}
  revisionHistoryLimit: 10
pod:
  additionalLabels: {}
podDisruptionBudget:
  unhealthyPodEvictionPolicy: ""
  minAvailable: 1
  maxUnavailable: null
autoscaling:
  targetCPUUtilizationPercentage: 80
