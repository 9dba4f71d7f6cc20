import type { RuleId } from '../../../../src/hardening/rule.js';
import { CLIENT } from '../images/client.js';
import { theNode } from '../theNode.js';
import {
  applyBroken,
  crashes,
  create,
  deployBroken,
  deployRefused,
  fails,
  staysCreating,
  waits,
} from './brokenPod.js';
import type { Combination } from './combination.js';
import { onlyRules, type RuleEntry } from './onlyRules.js';

interface RuleCase {
  readonly rule: RuleId;
  readonly name: string;
  readonly title: string;
  readonly entry: RuleEntry;
  readonly make: Combination['make'];
}

interface Shell {
  readonly container?: object;
  readonly pod?: object;
}

/** A pod of one container that runs lines of sh; the image has a shell, curl, nc and clients of databases. */
export function shell(lines: string, { container = {}, pod = {} }: Shell = {}): object {
  const image = { name: 'app', image: CLIENT.name, imagePullPolicy: 'Never' };
  return { containers: [{ ...image, command: ['sh', '-c', lines], ...container }], ...pod };
}

const SLEEP = 'exec sleep infinity';
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const set = (action: string): RuleEntry => ({ action });

/** What the rules break that no program above needs: each is real on this node. */
const CASES: readonly RuleCase[] = [
  {
    rule: 'privileged',
    name: 'mount',
    title: 'mounts a file system, privileged in its manifest',
    entry: set('Override'),
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        shell(`set -e; mount -t tmpfs none /mnt; ${SLEEP}`, {
          container: { securityContext: { privileged: true } },
        }),
        crashes,
      ),
  },
  {
    rule: 'runAsNonRoot',
    name: 'deny',
    title: 'an image that starts as root, where the rule denies',
    entry: set('Deny'),
    make: (namespace) => deployRefused(namespace, 'web', shell(SLEEP)),
  },
  {
    rule: 'resources',
    name: 'memory',
    title: 'takes more memory than the default limit',
    entry: { action: 'Default', limits: { memory: '64Mi' }, requests: { memory: '32Mi' } },
    make: (namespace) => deployBroken(namespace, 'web', shell('exec tail /dev/zero'), crashes),
  },
  {
    rule: 'resources',
    name: 'request',
    title: 'default requests that the node has no room for',
    entry: { action: 'Default', limits: { cpu: '9k' }, requests: { cpu: '9k' } },
    make: (namespace) => applyBroken(namespace, 'web', shell(SLEEP), fails),
  },
  {
    rule: 'readOnlyRootFilesystem',
    name: 'eviction',
    title: 'writes more to /tmp than sizeLimit allows',
    entry: { action: 'Default', sizeLimit: '1Mi' },
    make: (namespace) =>
      applyBroken(namespace, 'web', shell(`head -c 9000000 /dev/zero > /tmp/cache; ${SLEEP}`), fails),
  },
  {
    rule: 'hostNamespaces',
    name: 'network',
    title: "listens on the node's own address, on the host's network in its manifest",
    entry: set('Override'),
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        shell('exec nc -l "$HOST_IP" 9100', {
          container: {
            env: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
          },
          pod: { hostNetwork: true },
        }),
        crashes,
      ),
  },
  {
    rule: 'hostPath',
    name: 'write',
    title: 'writes into a directory of the node',
    entry: { action: 'Override', paths: ['/tmp'], allowed: [] },
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        shell(`set -e; echo 1 > /host/state; ${SLEEP}`, {
          container: { volumeMounts: [{ name: 'host', mountPath: '/host' }] },
          pod: { volumes: [{ name: 'host', hostPath: { path: theNode().makeVolume(namespace) } }] },
        }),
        crashes,
      ),
  },
  {
    rule: 'runtimeSocket',
    name: 'deny',
    title: "mounts the runtime's socket, where the rule denies",
    entry: set('Deny'),
    make: (namespace) =>
      deployRefused(
        namespace,
        'web',
        shell(SLEEP, {
          container: { volumeMounts: [{ name: 'socket', mountPath: '/run/docker.sock' }] },
          pod: { volumes: [{ name: 'socket', hostPath: { path: '/run/docker.sock' } }] },
        }),
      ),
  },
  {
    rule: 'sshd',
    name: 'deny',
    title: 'starts sshd, where the rule denies',
    entry: set('Deny'),
    make: (namespace) =>
      deployRefused(namespace, 'web', shell(SLEEP, { container: { command: ['/usr/sbin/sshd', '-D'] } })),
  },
  {
    rule: 'automountServiceAccountToken',
    name: 'token',
    title: 'reads the token of its ServiceAccount',
    entry: set('Default'),
    make: (namespace) =>
      deployBroken(namespace, 'web', shell(`set -e; cat ${TOKEN} > /dev/null; ${SLEEP}`), crashes),
  },
  {
    rule: 'scheduling',
    name: 'selector',
    title: 'a node selector that no node has',
    entry: { action: 'Default', nodeSelector: { 'example.com/pool': 'gold' } },
    make: (namespace) => applyBroken(namespace, 'web', shell(SLEEP), fails),
  },
  {
    rule: 'unprivilegedPorts',
    name: 'deny',
    title: 'a port below 1024 as a user that is not root, where the rule denies',
    entry: set('Deny'),
    make: (namespace) =>
      deployRefused(
        namespace,
        'web',
        shell(SLEEP, {
          container: { ports: [{ containerPort: 80 }], securityContext: { runAsUser: 1000 } },
        }),
      ),
  },
  {
    rule: 'procMount',
    name: 'deny',
    title: 'takes the masks off /proc, where the rule denies',
    entry: set('Deny'),
    make: (namespace) =>
      deployRefused(
        namespace,
        'web',
        shell(SLEEP, {
          container: { securityContext: { procMount: 'Unmasked' } },
          pod: { hostUsers: false },
        }),
      ),
  },
  {
    rule: 'appArmorProfile',
    name: 'node',
    title: 'a node without AppArmor',
    entry: set('Default'),
    make: (namespace) => applyBroken(namespace, 'web', shell(SLEEP), fails),
  },
  {
    rule: 'hostUsers',
    name: 'runtime',
    title: 'a container runtime without user namespaces',
    entry: set('Default'),
    make: (namespace) => deployBroken(namespace, 'web', shell(SLEEP), staysCreating(5)),
  },
  {
    rule: 'enableServiceLinks',
    name: 'variable',
    title: 'finds another Service by the variable that has its address',
    entry: set('Override'),
    make: async (namespace) => {
      const service = { metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } };
      await create(namespace, { apiVersion: 'v1', kind: 'Service', ...service });
      return deployBroken(
        namespace,
        'web',
        shell(`set -u; echo "database at $DB_SERVICE_HOST"; ${SLEEP}`),
        crashes,
      );
    },
  },
  {
    rule: 'imagePullPolicy',
    name: 'registry',
    title: 'an image that is on the node, and no registry that has it',
    entry: set('Override'),
    make: (namespace) =>
      deployBroken(namespace, 'web', shell(SLEEP), waits('ErrImagePull', 'ImagePullBackOff')),
  },
  {
    rule: 'supplementalGroupsPolicy',
    name: 'runtime',
    title: 'a container runtime without the Strict policy',
    entry: set('Default'),
    make: (namespace) => applyBroken(namespace, 'web', shell(SLEEP), fails),
  },
];

/** Each rule, by something that it breaks whatever the program. */
export function ruleCombinations(): Combination[] {
  return CASES.map(({ rule, name, title, entry, make }) => ({
    id: `rule-${rule.toLowerCase()}-${name}`,
    group: 'rule',
    title,
    program: 'client',
    policy: { rules: onlyRules({ [rule]: entry }) },
    expected: [rule],
    make,
  }));
}
