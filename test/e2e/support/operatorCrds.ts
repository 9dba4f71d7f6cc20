/**
 * The kinds of cert-manager and of the Prometheus operator that our manifests use, as little of them as the API server
 * has to know: any field is taken. What they mean is tried by those projects.
 */
export const OPERATOR_CRDS = [
  crd('cert-manager.io', 'Issuer', 'issuers'),
  crd('cert-manager.io', 'Certificate', 'certificates'),
  crd('monitoring.coreos.com', 'ServiceMonitor', 'servicemonitors'),
  crd('monitoring.coreos.com', 'PrometheusRule', 'prometheusrules'),
];

function crd(group: string, kind: string, plural: string): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}
