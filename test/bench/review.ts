/** A review as kube-apiserver sends it for a Pod of a Deployment: about 6.7 KB for two containers. */
export function podReview(containers: number, seed = 0): string {
  const token = 'kube-api-access-x7k2p';
  const container = (index: number): Record<string, unknown> => ({
    name: `app-${index}`,
    image: `registry.example/shop/service-${seed}-${index}:v1.${index}.0`,
    args: ['--port=8080', '--log-level=info'],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 14 }, (_, n) => ({
      name: `SETTING_${n}`,
      value: `https://service-${n}.shop.svc.cluster.local:8443/path`,
    })),
    resources: { requests: { cpu: '250m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/app', readOnly: true },
      { name: token, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ],
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  });
  const metadata = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    generateName: 'web-5d4f8c7b9-',
    namespace: 'shop',
    creationTimestamp: null,
    labels: { app: 'web', 'app.kubernetes.io/part-of': 'shop', 'pod-template-hash': '5d4f8c7b9' },
    annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web-5d4f8c7b9',
        uid: '3f0f2c5e-6a3b-4c55-9d52-0a4c4f6f1a11',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
    managedFields: [
      {
        manager: 'kube-controller-manager',
        operation: 'Update',
        apiVersion: 'v1',
        time: '2026-11-20T10:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: managed(containers),
      },
    ],
  };
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata,
    spec: {
      volumes: [
        { name: 'config', configMap: { name: 'web', defaultMode: 420 } },
        {
          name: token,
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: Array.from({ length: containers }, (_, index) => container(index)),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'web',
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
        {
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
      ],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {},
  };
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  });
}

function probe(path: string): Record<string, unknown> {
  return {
    httpGet: { path, port: 8080, scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

function managed(containers: number): Record<string, unknown> {
  const fields = [
    'f:args',
    'f:env',
    'f:image',
    'f:imagePullPolicy',
    'f:livenessProbe',
    'f:name',
    'f:ports',
    'f:readinessProbe',
    'f:resources',
    'f:terminationMessagePath',
    'f:terminationMessagePolicy',
    'f:volumeMounts',
  ];
  const one = Object.fromEntries(fields.map((field) => [field, {}]));
  return {
    'f:metadata': { 'f:generateName': {}, 'f:labels': { 'f:app': {} }, 'f:ownerReferences': {} },
    'f:spec': {
      'f:containers': Object.fromEntries(
        Array.from({ length: containers }, (_, index) => [`k:{"name":"app-${index}"}`, one]),
      ),
    },
  };
}
