/** Of each container: with them a review of two is about 6.7 KB. */
const VARIABLES = 2;

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
const TOKEN_LETTERS = 'x7k2p';
/** What differs between pods of one ReplicaSet, as parts of a review's text. */
export const POD_MARKS: readonly string[] = ['10a800002', TOKEN_LETTERS];
/** The hash that a ReplicaSet has its name from. */
export const REPLICA_SET_MARK = '5d4f8c7b9';

/**
 * A review as kube-apiserver 1.36 sends it for a Pod of a ReplicaSet, field by field in Go's order (recorded): about
 * 6.7 KB for two containers, of which managedFields are a third. Pods of one ReplicaSet differ in `POD_MARKS` alone.
 */
export function podReview(containers: number, seed = 0): string {
  const token = `kube-api-access-${TOKEN_LETTERS}`;
  const owner = '3f0f2c5e-6a3b-4c55-9d52-0a4c4f6f1a11';
  const container = (index: number): Record<string, unknown> => ({
    name: `app-${index}`,
    image: `registry.example/shop/service-${seed}-${index}:v1.${index}.0`,
    args: ['--port=8080', '--log-level=info'],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: VARIABLES }, (_, n) => ({
      name: `SETTING_${n}`,
      value: `https://service-${n}.shop.svc.cluster.local:8443/path`,
    })),
    resources: { requests: { cpu: '250m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', readOnly: true, mountPath: '/etc/app' },
      { name: token, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  });
  const metadata = {
    generateName: `web-${REPLICA_SET_MARK}-`,
    namespace: 'shop',
    labels: { app: 'web', 'app.kubernetes.io/part-of': 'shop', 'pod-template-hash': REPLICA_SET_MARK },
    annotations: { 'prometheus.io/port': '8080', 'prometheus.io/scrape': 'true' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: `web-${REPLICA_SET_MARK}`,
        uid: owner,
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
        fieldsV1: managed(containers, owner),
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
              {
                downwardAPI: {
                  items: [
                    { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                  ],
                },
              },
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
      serviceAccount: 'web',
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map((condition) => ({
        key: `node.kubernetes.io/${condition}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
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
      uid: UID,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        uid: 'c93a8182-a526-4606-aa42-69af661d70f6',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': ['JTI=06482036-5020-4b74-a5f6-819750c09202'],
        },
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

/** What a controller owns: `fields` of a struct, each with what is in it. */
function managed(containers: number, owner: string): Record<string, unknown> {
  const all = (...keys: string[]): Record<string, unknown> =>
    Object.fromEntries(keys.map((key) => [key, {}]));
  const struct = (fields: Record<string, unknown>): Record<string, unknown> => ({ '.': {}, ...fields });
  const probed = struct({
    ...all('f:failureThreshold'),
    'f:httpGet': struct(all('f:path', 'f:port', 'f:scheme')),
    ...all('f:periodSeconds', 'f:successThreshold', 'f:timeoutSeconds'),
  });
  const variables = Array.from({ length: VARIABLES }, (_, n) => [
    `k:{"name":"SETTING_${n}"}`,
    struct(all('f:name', 'f:value')),
  ]);
  const container = struct({
    ...all('f:args'),
    'f:env': struct(Object.fromEntries(variables) as Record<string, unknown>),
    ...all('f:image', 'f:imagePullPolicy'),
    'f:livenessProbe': probed,
    ...all('f:name'),
    'f:ports': struct({
      'k:{"containerPort":8080,"protocol":"TCP"}': struct(all('f:containerPort', 'f:name', 'f:protocol')),
    }),
    'f:readinessProbe': probed,
    'f:resources': struct({ 'f:requests': struct(all('f:cpu', 'f:memory')) }),
    ...all('f:terminationMessagePath', 'f:terminationMessagePolicy'),
    'f:volumeMounts': struct({
      'k:{"mountPath":"/etc/app"}': struct(all('f:mountPath', 'f:name', 'f:readOnly')),
    }),
  });
  const named = Array.from({ length: containers }, (_, index) => [`k:{"name":"app-${index}"}`, container]);
  return {
    'f:metadata': {
      'f:annotations': struct(all('f:prometheus.io/port', 'f:prometheus.io/scrape')),
      ...all('f:generateName'),
      'f:labels': struct(all('f:app', 'f:app.kubernetes.io/part-of', 'f:pod-template-hash')),
      'f:ownerReferences': struct(all(`k:{"uid":"${owner}"}`)),
    },
    'f:spec': {
      'f:containers': Object.fromEntries(named) as Record<string, unknown>,
      ...all(
        'f:dnsPolicy',
        'f:enableServiceLinks',
        'f:restartPolicy',
        'f:schedulerName',
        'f:securityContext',
      ),
      ...all('f:serviceAccount', 'f:serviceAccountName', 'f:terminationGracePeriodSeconds'),
      'f:volumes': struct({
        'k:{"name":"config"}': struct({
          'f:configMap': struct(all('f:defaultMode', 'f:name')),
          'f:name': {},
        }),
      }),
    },
  };
}
