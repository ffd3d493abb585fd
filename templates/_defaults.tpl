# The default of every value, as plain YAML: the chart's values.yaml. Defaults stand here and nowhere else; what a value
# means and may be is said in values.schema.json.
ports:
  metrics: 8080
  health: 8081
  gate: 8082
  mcp: 8084
  webhook: 9443
gate:
  enabled: true
mcp:
  enabled: false
webhook:
  enabled: true
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
