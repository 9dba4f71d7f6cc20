import { expect } from 'chai';
import type { Json } from './apiValidation.js';
import {
  podUpdateAccepted,
  quantityNanos,
  runAsNonRootWithUidZero,
  validateEphemeralContainersUpdate,
  validateObject,
  volumeClaimTemplateClashes,
} from './apiValidation.js';
import { barePod } from './controllerPod.js';

/** A pod with one container, to which a row adds what it is about. */
const pod = (spec: Json = {}, container: Json = {}, annotations: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'demo', annotations },
  spec: { containers: [{ name: 'app', image: 'nginx', ...container }], ...spec },
});
const context = (securityContext: Json, spec: Json = {}): Json => pod(spec, { securityContext });
const withResources = (resources: Json, spec: Json = {}): Json => pod(spec, { resources });
const emptyDir = (name: string): Json => ({ name, emptyDir: {} });
const claim = (name: string): Json => ({ name, persistentVolumeClaim: { claimName: 'c' } });
const mounts = (...paths: [string, string][]): Json[] =>
  paths.map(([name, mountPath]) => ({ name, mountPath }));
const terms = (...nodeSelectorTerms: Json[]): Json =>
  pod({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  });
const expression = (e: Json): Json => terms({ matchExpressions: [e] });
const deployment = (template: Json): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'demo' },
  spec: { template: { metadata: template.metadata, spec: template.spec } },
});
const statefulSet = (template: Json, ...claims: string[]): Json => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'demo' },
  spec: {
    template: { metadata: template.metadata, spec: template.spec },
    volumeClaimTemplates: claims.map((name) => ({ metadata: { name } })),
  },
});

const POD_SECCOMP = 'seccomp.security.alpha.kubernetes.io/pod';
const APP_SECCOMP = 'container.seccomp.security.alpha.kubernetes.io/app';
const APP_APPARMOR = 'container.apparmor.security.beta.kubernetes.io/app';

/** Values of the right type, so that only the operating system is wrong. */
const LINUX_VALUES: Json = {
  seccompProfile: { type: 'RuntimeDefault' },
  appArmorProfile: { type: 'RuntimeDefault' },
  readOnlyRootFilesystem: true,
  privileged: false,
  allowPrivilegeEscalation: true,
  procMount: 'Default',
  runAsUser: 1,
  runAsGroup: 1,
  fsGroup: 1,
  fsGroupChangePolicy: 'Always',
  supplementalGroups: [1],
  supplementalGroupsPolicy: 'Merge',
  sysctls: [{ name: 'a.b', value: '1' }],
};

const REFUSED: [string, Json, RegExp][] = [
  // Security contexts
  [
    'escalation false beside privileged',
    context({ privileged: true, allowPrivilegeEscalation: false }),
    /privileged` to true/,
  ],
  [
    'escalation false beside CAP_SYS_ADMIN',
    context({ allowPrivilegeEscalation: false, capabilities: { add: ['CAP_SYS_ADMIN'] } }),
    /CAP_SYS_ADMIN/,
  ],
  ['uid above 2^31-1', context({ runAsUser: 2147483648 }), /runAsUser: Invalid/],
  ['negative gid', context({ runAsGroup: -1 }), /runAsGroup: Invalid/],
  ['fsGroup out of range', pod({ securityContext: { fsGroup: -1 } }), /fsGroup: Invalid/],
  [
    'supplementalGroups out of range',
    pod({ securityContext: { supplementalGroups: [1, -1] } }),
    /supplementalGroups\.1: Invalid/,
  ],
  [
    'fsGroupChangePolicy unknown',
    pod({ securityContext: { fsGroupChangePolicy: 'Never' } }),
    /fsGroupChangePolicy/,
  ],
  ['runAsNonRoot as a string', context({ runAsNonRoot: 'true' }), /cannot unmarshal/],
  ['uid as a string', context({ runAsUser: '1000' }), /cannot unmarshal/],
  ['seccomp without type', context({ seccompProfile: {} }), /type: Required/],
  ['seccomp of an unknown type', context({ seccompProfile: { type: 'Default' } }), /type: Unsupported/],
  [
    'seccomp Localhost without profile',
    pod({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
    /localhostProfile: Required/,
  ],
  [
    'seccomp RuntimeDefault with profile',
    context({ seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } }),
    /only be set when/,
  ],
  [
    'seccomp Localhost that climbs',
    context({ seccompProfile: { type: 'Localhost', localhostProfile: '../x' } }),
    /must not contain/,
  ],
  ['procMount Unmasked with the host users', context({ procMount: 'Unmasked' }), /hostUsers` must be false/],
  ['procMount unknown', context({ procMount: 'None' }), /procMount: Unsupported/],
  [
    'appArmor Localhost without profile',
    context({ appArmorProfile: { type: 'Localhost' } }),
    /localhostProfile: Required/,
  ],
  // Operating system
  ...[
    'appArmorProfile',
    'seLinuxOptions',
    'seccompProfile',
    'capabilities',
    'readOnlyRootFilesystem',
    'privileged',
    'allowPrivilegeEscalation',
    'procMount',
    'runAsUser',
    'runAsGroup',
  ].map((key): [string, Json, RegExp] => [
    `container ${key} on windows`,
    context({ [key]: LINUX_VALUES[key] ?? {} }, { os: { name: 'windows' } }),
    new RegExp(`${key}: Forbidden: cannot be set for a windows pod`),
  ]),
  ...[
    'appArmorProfile',
    'seLinuxOptions',
    'seccompProfile',
    'fsGroup',
    'fsGroupChangePolicy',
    'runAsUser',
    'runAsGroup',
    'supplementalGroups',
    'supplementalGroupsPolicy',
    'sysctls',
  ].map((key): [string, Json, RegExp] => [
    `pod ${key} on windows`,
    pod({ os: { name: 'windows' }, securityContext: { [key]: LINUX_VALUES[key] ?? {} } }),
    new RegExp(`${key}: Forbidden: cannot be set for a windows pod`),
  ]),
  ...['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'].map((key): [string, Json, RegExp] => [
    `${key} on windows`,
    pod({ os: { name: 'windows' }, [key]: true }),
    new RegExp(`${key}: Forbidden`),
  ]),
  [
    'pod-level resources on windows',
    pod({ os: { name: 'windows' }, resources: {} }),
    /may not be set for a windows pod/,
  ],
  [
    'windowsOptions on linux',
    pod({ os: { name: 'linux' }, securityContext: { windowsOptions: {} } }),
    /linux pod/,
  ],
  [
    "a container's windowsOptions on linux",
    context({ windowsOptions: {} }, { os: { name: 'linux' } }),
    /linux pod/,
  ],
  ['an unknown os', pod({ os: { name: 'plan9' } }), /os: Unsupported/],
  [
    'hostProcess without hostNetwork',
    pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
    /hostNetwork must be true/,
  ],
  [
    'hostProcess on one container only',
    pod({
      hostNetwork: true,
      containers: [
        { name: 'a', image: 'i', securityContext: { windowsOptions: { hostProcess: true } } },
        { name: 'b', image: 'i' },
      ],
    }),
    /all containers must be HostProcess/,
  ],
  [
    'hostProcess that contradicts the pod',
    context(
      { windowsOptions: { hostProcess: false } },
      { hostNetwork: true, securityContext: { windowsOptions: { hostProcess: true } } },
    ),
    /must be identical/,
  ],
  // Resources
  [
    'request above limit',
    withResources({ requests: { memory: '1025Mi' }, limits: { memory: '1Gi' } }),
    /less than or equal to memory limit/,
  ],
  [
    'request above limit by a milli',
    withResources({ requests: { cpu: '1.0001' }, limits: { cpu: 1 } }),
    /less than or equal to cpu limit/,
  ],
  ['negative quantity', withResources({ requests: { cpu: '-1' } }), /greater than or equal to 0/],
  ['no quantity', withResources({ limits: { memory: '12Q' } }), /must match/],
  ['unknown resource', withResources({ limits: { ram: '1Gi' } }), /not a resource/],
  [
    'extended resource with request alone',
    withResources({ requests: { 'a.b/gpu': 1 } }),
    /Limit must be set/,
  ],
  [
    'extended resource with another request',
    withResources({ requests: { 'a.b/gpu': 1 }, limits: { 'a.b/gpu': 2 } }),
    /must be equal/,
  ],
  ['half an extended resource', withResources({ limits: { 'a.b/gpu': '500m' } }), /integer/],
  ['huge pages alone', withResources({ limits: { 'hugepages-2Mi': '2Mi' } }), /HugePages require/],
  [
    'huge pages that do not divide',
    withResources({ limits: { 'hugepages-2Mi': '3Mi', cpu: 1 } }),
    /page size/,
  ],
  [
    'pod-level request above limit',
    pod({ resources: { requests: { cpu: 2 }, limits: { cpu: 1 } } }),
    /cpu limit/,
  ],
  [
    'pod-level resource that is not one',
    pod({ resources: { limits: { 'ephemeral-storage': '1Gi' } } }),
    /not a resource of a pod/,
  ],
  ['pod-level claims', pod({ resources: { claims: [{ name: 'x' }] } }), /claims may not be set/],
  [
    'containers that ask for more than the pod',
    withResources({ requests: { cpu: 2 } }, { resources: { requests: { cpu: 1 } } }),
    /aggregate container requests/,
  ],
  [
    'a container limit above the pod limit',
    withResources({ requests: { cpu: 1 }, limits: { cpu: 3 } }, { resources: { limits: { cpu: 2 } } }),
    /pod limits/,
  ],
  [
    'a limit that becomes a request above the pod limit',
    withResources({ limits: { memory: '2Gi' } }, { resources: { requests: { memory: '1Gi' } } }),
    /aggregate container requests/,
  ],
  [
    'an init container after a sidecar above the pod request',
    pod({
      resources: { requests: { cpu: '1500m' } },
      initContainers: [
        { name: 's', image: 'i', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } },
        { name: 'i', image: 'i', resources: { requests: { cpu: '600m' } } },
      ],
    }),
    /aggregate container requests/,
  ],
  // Volumes and mounts
  ['two volumes of one name', pod({ volumes: [emptyDir('a'), emptyDir('a')] }), /Duplicate value: "a"/],
  ['volume name with capitals', pod({ volumes: [emptyDir('A')] }), /not a DNS-1123 label/],
  ['volume name with a dot', pod({ volumes: [emptyDir('a.b')] }), /not a DNS-1123 label/],
  ['volume name of 64 characters', pod({ volumes: [emptyDir('a'.repeat(64))] }), /not a DNS-1123 label/],
  ['volume without name', pod({ volumes: [{ emptyDir: {} }] }), /name: Required/],
  ['volume of two types', pod({ volumes: [{ ...claim('a'), emptyDir: {} }] }), /more than 1 volume type/],
  [
    'negative sizeLimit',
    pod({ volumes: [{ name: 'a', emptyDir: { sizeLimit: '-1' } }] }),
    /valid resource quantity/,
  ],
  [
    'sizeLimit that is none',
    pod({ volumes: [{ name: 'a', emptyDir: { sizeLimit: '1 Gi' } }] }),
    /must match/,
  ],
  [
    'hostPath that climbs',
    pod({ volumes: [{ name: 'a', hostPath: { path: '//etc/../etc/' } }] }),
    /must not contain/,
  ],
  [
    'hostPath of unknown type',
    pod({ volumes: [{ name: 'a', hostPath: { path: '/a', type: 'Dir' } }] }),
    /type: Unsupported/,
  ],
  [
    'flexVolume option of ours',
    pod({ volumes: [{ name: 'a', flexVolume: { driver: 'd', options: { 'k8s.io/x': 'y' } } }] }),
    /reserved/,
  ],
  [
    'defaultMode above 0777',
    pod({ volumes: [{ name: 'a', secret: { secretName: 's', defaultMode: 512 } }] }),
    /defaultMode: Invalid/,
  ],
  ['mount of an unknown volume', pod({}, { volumeMounts: mounts(['a', '/a']) }), /Not found: "a"/],
  [
    'mount of a volume that is itself refused',
    pod({ volumes: [emptyDir('A')] }, { volumeMounts: mounts(['A', '/a']) }),
    /Not found: "A"/,
  ],
  [
    'two mounts at one path',
    pod({ volumes: [emptyDir('a'), emptyDir('b')] }, { volumeMounts: mounts(['a', '/x'], ['b', '/x']) }),
    /must be unique/,
  ],
  [
    'mount without path',
    pod({ volumes: [emptyDir('a')] }, { volumeMounts: [{ name: 'a' }] }),
    /mountPath: Required/,
  ],
  [
    'mount at a device',
    pod(
      { volumes: [emptyDir('a'), claim('b')] },
      { volumeMounts: mounts(['a', '/dev/x']), volumeDevices: [{ name: 'b', devicePath: '/dev/x' }] },
    ),
    /as a path in volumeDevices/,
  ],
  [
    'one volume mounted and as a device',
    pod(
      { volumes: [claim('b')] },
      { volumeMounts: mounts(['b', '/b']), volumeDevices: [{ name: 'b', devicePath: '/dev/x' }] },
    ),
    /already exist in volumeDevices/,
  ],
  [
    'emptyDir as a device',
    pod({ volumes: [emptyDir('a')] }, { volumeDevices: [{ name: 'a', devicePath: '/dev/x' }] }),
    /block mode/,
  ],
  [
    'subPath that climbs',
    pod({ volumes: [emptyDir('a')] }, { volumeMounts: [{ name: 'a', mountPath: '/a', subPath: '../b' }] }),
    /must not contain/,
  ],
  [
    'Bidirectional without privilege',
    pod(
      { volumes: [emptyDir('a')] },
      { volumeMounts: [{ name: 'a', mountPath: '/a', mountPropagation: 'Bidirectional' }] },
    ),
    /only to privileged/,
  ],
  [
    'recursiveReadOnly on a writable mount',
    pod(
      { volumes: [emptyDir('a')] },
      { volumeMounts: [{ name: 'a', mountPath: '/a', recursiveReadOnly: 'Enabled' }] },
    ),
    /readOnly is true/,
  ],
  [
    'mount of a volume that no claim template has',
    statefulSet(pod({}, { volumeMounts: mounts(['data', '/data']) }), 'other'),
    /Not found: "data"/,
  ],
  // Containers
  ['no container', pod({ containers: [] }), /containers: Required/],
  [
    'two containers of one name',
    pod({ initContainers: [{ name: 'app', image: 'i' }] }),
    /Duplicate value: "app"/,
  ],
  ['container name with an underscore', pod({}, { name: 'a_b' }), /not a DNS-1123 label/],
  ['container without image', pod({}, { image: '' }), /image: Required/],
  [
    'probe of an init container',
    pod({ initContainers: [{ name: 'i', image: 'i', livenessProbe: {} }] }),
    /without restartPolicy=Always/,
  ],
  [
    'ephemeral container on create',
    pod({ ephemeralContainers: [{ name: 'e', image: 'i' }] }),
    /cannot be set on create/,
  ],
  [
    'ephemeral container in a template',
    deployment(pod({ ephemeralContainers: [{ name: 'e', image: 'i' }] })),
    /not allowed in pod template/,
  ],
  ['template that never restarts', deployment(pod({ restartPolicy: 'Never' })), /restartPolicy: Unsupported/],
  // Host namespaces
  [
    'hostPort that is not the containerPort on the host network',
    pod({ hostNetwork: true }, { ports: [{ containerPort: 80, hostPort: 81 }] }),
    /must match `containerPort`/,
  ],
  [
    'two ports of the host',
    pod({
      containers: [
        { name: 'a', image: 'i', ports: [{ containerPort: 1, hostPort: 80 }] },
        { name: 'b', image: 'i', ports: [{ containerPort: 2, hostPort: 80 }] },
      ],
    }),
    /Duplicate value: "TCP\/\/80"/,
  ],
  [
    'hostUsers false on the host network',
    pod({ hostUsers: false, hostNetwork: true }),
    /when `hostUsers` is false/,
  ],
  [
    'hostUsers false with a device',
    pod({ hostUsers: false, volumes: [claim('a')] }, { volumeDevices: [{ name: 'a', devicePath: '/d' }] }),
    /volumeDevices: Forbidden/,
  ],
  [
    'net sysctl on the host network',
    pod({
      hostNetwork: true,
      securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
    }),
    /hostNetwork/,
  ],
  [
    'net sysctl with slashes on the host network',
    pod({ hostNetwork: true, securityContext: { sysctls: [{ name: 'net/ipv4/x.1', value: '0' }] } }),
    /hostNetwork/,
  ],
  [
    'ipc sysctl with hostIPC',
    pod({ hostIPC: true, securityContext: { sysctls: [{ name: 'kernel.shmmax', value: '0' }] } }),
    /hostIPC/,
  ],
  ['sysctl name', pod({ securityContext: { sysctls: [{ name: 'Net.x', value: '0' }] } }), /name: Invalid/],
  [
    'sysctl twice',
    pod({
      securityContext: {
        sysctls: [
          { name: 'a.b', value: '0' },
          { name: 'a.b', value: '1' },
        ],
      },
    }),
    /Duplicate/,
  ],
  [
    'sysctl value as a number',
    pod({ securityContext: { sysctls: [{ name: 'a.b', value: 0 }] } }),
    /cannot unmarshal/,
  ],
  // Legacy annotations, in templates as on Pods
  ['seccomp annotation that is none', pod({}, {}, { [POD_SECCOMP]: 'default' }), /valid seccomp profile/],
  [
    'pod annotation unconfined beside RuntimeDefault',
    pod(
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      {},
      { [POD_SECCOMP]: 'unconfined' },
    ),
    /must match/,
  ],
  [
    'pod annotation runtime/default beside Unconfined',
    pod(
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      {},
      { [POD_SECCOMP]: 'runtime/default' },
    ),
    /must match/,
  ],
  [
    'container annotation localhost beside another profile',
    pod(
      {},
      { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'y' } } },
      { [APP_SECCOMP]: 'localhost/x' },
    ),
    /must match/,
  ],
  [
    'the same in a template',
    deployment(
      pod(
        { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
        {},
        { [POD_SECCOMP]: 'localhost/x' },
      ),
    ),
    /must match/,
  ],
  [
    'appArmor annotation beside another profile of the pod',
    pod(
      { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } },
      {},
      { [APP_APPARMOR]: 'unconfined' },
    ),
    /apparmor type/,
  ],
  [
    'appArmor annotation of no container',
    pod({}, {}, { [`${APP_APPARMOR}x`]: 'unconfined' }),
    /container not found/,
  ],
  // Keys and scheduling
  ['annotation key with a tilde', pod({}, {}, { 'a.b/c~d': 'x' }), /not an annotation key/],
  ['annotation key with two slashes', pod({}, {}, { 'a/b/c': 'x' }), /not an annotation key/],
  ['annotation key __proto__', pod({}, {}, JSON.parse('{"__proto__":"x"}') as Json), /not an annotation key/],
  ['annotations above 256 KiB', pod({}, {}, { a: 'x'.repeat(262145) }), /Too long/],
  ['nodeSelector value with a space', pod({ nodeSelector: { a: 'b c' } }), /not a label value/],
  ['nodeSelector key', pod({ nodeSelector: { '-a': 'b' } }), /not a label key/],
  ['toleration without key', pod({ tolerations: [{ operator: 'Equal' }] }), /must be Exists/],
  [
    'toleration Exists with value',
    pod({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }),
    /value must be empty/,
  ],
  [
    'toleration seconds without NoExecute',
    pod({ tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 1 }] }),
    /NoExecute/,
  ],
  [
    'toleration of an unknown effect',
    pod({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'Never' }] }),
    /effect: Unsupported/,
  ],
  ['no node selector term', terms(), /at least one/],
  ['In without values', expression({ key: 'a', operator: 'In' }), /must be specified/],
  ['Exists with values', expression({ key: 'a', operator: 'Exists', values: ['b'] }), /may not be specified/],
  ['Gt with two values', expression({ key: 'a', operator: 'Gt', values: ['1', '2'] }), /single value/],
  [
    'an unknown operator',
    expression({ key: 'a', operator: 'Is', values: ['b'] }),
    /not a valid selector operator/,
  ],
  [
    'matchFields of a label',
    terms({ matchFields: [{ key: 'a', operator: 'In', values: ['b'] }] }),
    /not a valid field selector key/,
  ],
  ['something that is no workload', { kind: 'Service', apiVersion: 'v1' }, /not a workload/],
];

const ACCEPTED: [string, Json][] = [
  [
    'escalation false beside SYS_ADMIN without CAP_',
    context({
      allowPrivilegeEscalation: false,
      capabilities: { add: ['SYS_ADMIN', 'ALL', 'cap_sys_admin'] },
    }),
  ],
  ['runAsNonRoot beside uid 0', context({ runAsNonRoot: true, runAsUser: 0 })],
  [
    'hostProcess on a pod that does not say windows',
    pod({ hostNetwork: true, securityContext: { windowsOptions: { hostProcess: true }, runAsUser: 0 } }),
  ],
  ['hostNetwork on windows', pod({ os: { name: 'windows' }, hostNetwork: true, hostPID: false })],
  ['runAsNonRoot on windows', context({ runAsNonRoot: true }, { os: { name: 'windows' } })],
  [
    'quantities that differ below a milli',
    withResources({ requests: { cpu: '1.00001m' }, limits: { cpu: '1.000001m' } }),
  ],
  [
    'no hostPort in a template on the host network',
    deployment(pod({ hostNetwork: true }, { ports: [{ containerPort: 80 }] })),
  ],
  [
    'an init container above the pod limit, whose request fits',
    pod({
      resources: { limits: { cpu: 1 } },
      initContainers: [
        { name: 'i', image: 'i', resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } },
      ],
    }),
  ],
  [
    'a mountPath that climbs',
    pod({ volumes: [emptyDir('a')] }, { volumeMounts: mounts(['a', '/tmp/../tmp'], ['a', '/tmp/']) }),
  ],
  [
    'a volume of no type (it is an emptyDir)',
    pod({ volumes: [{ name: 'a' }] }, { volumeMounts: mounts(['a', '/a']) }),
  ],
  ['a mount of a claim template', statefulSet(pod({}, { volumeMounts: mounts(['data', '/data']) }), 'data')],
  ['a volume of the name of a claim template', statefulSet(pod({ volumes: [emptyDir('data')] }), 'data')],
  [
    'docker/default beside RuntimeDefault',
    pod(
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      {},
      { [POD_SECCOMP]: 'docker/default' },
    ),
  ],
  [
    'a pod annotation unconfined beside a container RuntimeDefault',
    pod(
      {},
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      { [POD_SECCOMP]: 'unconfined' },
    ),
  ],
  [
    'a container annotation unconfined beside a pod RuntimeDefault',
    pod(
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      {},
      { [APP_SECCOMP]: 'unconfined' },
    ),
  ],
  ['an annotation key in capitals', pod({}, {}, { 'Example.COM/Key': 'x', constructor: 'y' })],
  [
    'nulls',
    pod(
      { volumes: null, securityContext: null, tolerations: null },
      { securityContext: { capabilities: null } },
    ),
  ],
];

describe('apiValidation', () => {
  for (const [name, object, message] of REFUSED)
    it(`refuses ${name}`, () => {
      expect(validateObject(object).join('\n')).to.match(message);
    });

  it('has no row twice', () => {
    expect(new Set(REFUSED.map(([name]) => name)).size).to.equal(REFUSED.length);
  });

  for (const [name, object] of ACCEPTED)
    it(`accepts ${name}`, () => {
      expect(validateObject(object)).to.deep.equal([]);
    });

  it('reads quantities exactly', () => {
    const rows: [unknown, bigint | undefined][] = [
      ['1', 1_000_000_000n],
      ['0.5', 500_000_000n],
      ['.5', 500_000_000n],
      ['100m', 100_000_000n],
      ['1Ki', 1_024_000_000_000n],
      ['1.5Ki', 1_536_000_000_000n],
      ['12e6', 12_000_000_000_000_000n],
      ['12E6', 12_000_000_000_000_000n],
      ['1E', 1_000_000_000_000_000_000_000_000_000n],
      ['1n', 1n],
      ['0.1n', 1n],
      ['-1', -1_000_000_000n],
      [2, 2_000_000_000n],
      [' 1 ', 1_000_000_000n],
      ['1e', undefined],
      ['1i', undefined],
      ['12Q', undefined],
      ['', undefined],
      [true, undefined],
    ];
    for (const [text, nanos] of rows) expect(quantityNanos(text), String(text)).to.equal(nanos);
  });

  describe('pods/ephemeralcontainers', () => {
    const live = pod();
    const withDebug = (container: Json): Json =>
      pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox', ...container }] });
    const rows: [string, Json, RegExp][] = [
      ['resources', withDebug({ resources: { limits: { cpu: 1 } } }), /resources: Forbidden/],
      ['ports', withDebug({ ports: [{ containerPort: 80 }] }), /ports: Forbidden/],
      ['an empty list of ports', withDebug({ ports: [] }), /ports: Forbidden/],
      ['a probe', withDebug({ readinessProbe: {} }), /readinessProbe: Forbidden/],
      ['a lifecycle', withDebug({ lifecycle: {} }), /lifecycle: Forbidden/],
      ['a name that is taken', withDebug({ name: 'app' }), /Duplicate/],
      ['a target that is not there', withDebug({ targetContainerName: 'db' }), /Not found: "db"/],
      [
        'a subPath',
        pod({
          volumes: [emptyDir('a')],
          ephemeralContainers: [
            { name: 'd', image: 'i', volumeMounts: [{ name: 'a', mountPath: '/a', subPath: 'x' }] },
          ],
        }),
        /subPath: Forbidden/,
      ],
      [
        'a Linux field on windows',
        pod({
          os: { name: 'windows' },
          ephemeralContainers: [{ name: 'd', image: 'i', securityContext: { runAsUser: 1 } }],
        }),
        /windows pod/,
      ],
    ];
    for (const [name, object, message] of rows)
      it(`refuses ${name}`, () => {
        expect(validateEphemeralContainersUpdate(live, object).join('\n')).to.match(message);
      });
    it('refuses a change or loss of one that exists', () => {
      expect(
        validateEphemeralContainersUpdate(
          withDebug({}),
          withDebug({ securityContext: { privileged: false } }),
        ),
      ).to.have.length(1);
      expect(validateEphemeralContainersUpdate(withDebug({}), live)).to.have.length(1);
    });
    it('accepts an added one, empty resources and a seccomp annotation that differs (only a creation is compared)', () => {
      expect(validateEphemeralContainersUpdate(live, withDebug({ resources: {} }))).to.deep.equal([]);
      const object = pod(
        {
          ephemeralContainers: [
            { name: 'd', image: 'i', securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
          ],
        },
        {},
        { 'container.seccomp.security.alpha.kubernetes.io/d': 'unconfined' },
      );
      expect(validateEphemeralContainersUpdate(live, object)).to.deep.equal([]);
    });
  });

  it('finds runAsNonRoot with an effective uid 0, inherited or not', () => {
    const zero: Json[] = [
      context({ runAsNonRoot: true, runAsUser: 0 }),
      context({ runAsNonRoot: true }, { securityContext: { runAsUser: 0 } }),
      context({ runAsUser: 0 }, { securityContext: { runAsNonRoot: true } }),
      deployment(pod({ securityContext: { runAsNonRoot: true, runAsUser: 0 } })),
    ];
    for (const object of zero) expect(runAsNonRootWithUidZero(object)).to.have.length(1);
    const fine: Json[] = [
      context({ runAsNonRoot: true, runAsUser: 1 }, { securityContext: { runAsUser: 0 } }),
      context({ runAsNonRoot: false }, { securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
      context({ runAsNonRoot: true }),
    ];
    for (const object of fine) expect(runAsNonRootWithUidZero(object)).to.deep.equal([]);
  });

  it('finds a volume of the name of a claim template', () => {
    expect(
      volumeClaimTemplateClashes(statefulSet(pod({ volumes: [emptyDir('a'), emptyDir('b')] }), 'b')),
    ).to.have.length(1);
    expect(volumeClaimTemplateClashes(statefulSet(pod({ volumes: [emptyDir('a')] }), 'b'))).to.deep.equal([]);
  });

  describe('applying the same manifest again', () => {
    const hardened = (manifest: Json, change: (spec: Json, container: Json) => void): Json => {
      const live = barePod(manifest);
      const spec = live.spec as Json;
      change(spec, (spec.containers as [Json])[0]);
      return live;
    };
    const accepted: [string, Json, (spec: Json, container: Json) => void][] = [
      ['nothing changed', pod(), () => undefined],
      [
        "fields added beside the author's",
        context({ runAsUser: 1 }),
        (_, c) => {
          c.securityContext = {
            ...(c.securityContext as Json),
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
          };
        },
      ],
      [
        'a volume and its mount added',
        pod({ volumes: [emptyDir('a')] }, { volumeMounts: mounts(['a', '/a']) }),
        (s, c) => {
          s.volumes = [...(s.volumes as Json[]), emptyDir('t')];
          c.volumeMounts = [...(c.volumeMounts as Json[]), { name: 't', mountPath: '/tmp' }];
        },
      ],
      [
        'the token volume removed',
        pod(),
        (s, c) => {
          s.volumes = [];
          c.volumeMounts = [];
          s.automountServiceAccountToken = false;
        },
      ],
      [
        'a quantity in other words',
        withResources({ requests: { cpu: '0.5', memory: '1024Mi' } }),
        () => undefined,
      ],
      [
        'tolerations of the author',
        pod({ tolerations: [{ key: 'a', operator: 'Exists' }] }),
        () => undefined,
      ],
      [
        'another image',
        pod(),
        (_, c) => {
          c.image = 'nginx@sha256:0';
        },
      ],
    ];
    for (const [name, manifest, change] of accepted)
      it(`accepts ${name}`, () => {
        expect(podUpdateAccepted(hardened(manifest, change), manifest)).to.deep.equal([]);
      });
    const refused: [string, Json, (spec: Json, container: Json) => void, RegExp][] = [
      [
        'an explicit drop made [ALL]',
        context({ capabilities: { drop: ['NET_RAW'] } }),
        (_, c) => {
          c.securityContext = { capabilities: { drop: ['ALL'] } };
        },
        /capabilities\.drop/,
      ],
      [
        'a privileged turned off',
        context({ privileged: true }),
        (_, c) => {
          c.securityContext = { privileged: false };
        },
        /privileged/,
      ],
      [
        "a sysctl added to the author's",
        pod({ securityContext: { sysctls: [{ name: 'a.b', value: '1' }] } }),
        (s) => {
          s.securityContext = {
            sysctls: [
              { name: 'a.b', value: '1' },
              { name: 'c.d', value: '0' },
            ],
          };
        },
        /sysctls/,
      ],
      [
        "an expression added to the author's term",
        expression({ key: 'a', operator: 'Exists' }),
        (s) => {
          s.affinity = {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  {
                    matchExpressions: [
                      { key: 'a', operator: 'Exists' },
                      { key: 'b', operator: 'Exists' },
                    ],
                  },
                ],
              },
            },
          };
        },
        /nodeSelectorTerms/,
      ],
      [
        "a toleration added to the author's",
        pod({ tolerations: [{ key: 'a', operator: 'Exists' }] }),
        (s) => {
          s.tolerations = [...(s.tolerations as Json[]), { key: 'b', operator: 'Exists' }];
        },
        /tolerations/,
      ],
      [
        'a field that the author has as null',
        pod({}, { securityContext: null }),
        (_, c) => {
          c.securityContext = { runAsNonRoot: true };
        },
        /securityContext/,
      ],
      [
        "a field of the author's removed",
        pod({ hostPID: true }),
        (s) => {
          delete s.hostPID;
        },
        /hostPID/,
      ],
    ];
    for (const [name, manifest, change, message] of refused)
      it(`refuses ${name}`, () => {
        expect(podUpdateAccepted(hardened(manifest, change), manifest).join('\n')).to.match(message);
      });
  });
});
