import type { Json } from '../../controlPlane/apiClient.js';
import { CLIENT } from '../images/client.js';
import { nginx } from '../programs/nginx.js';
import { node } from '../programs/node.js';
import { postgres } from '../programs/postgres.js';
import { python } from '../programs/python.js';
import { redis } from '../programs/redis.js';
import type { Program } from '../programs/program.js';
import {
  applyBroken,
  crashes,
  create,
  deployBroken,
  fails,
  runs,
  staysCreating,
  staysUnready,
  waits,
} from './brokenPod.js';
import type { Combination } from './combination.js';
import { deploy, podOfDeployment } from './deployment.js';
import { shell } from './ruleCombinations.js';

interface OtherCase {
  readonly name: string;
  readonly title: string;
  /** The image of one; `client` unless given. */
  readonly program?: Program;
  readonly make: Combination['make'];
}

const SLEEP = 'exec sleep infinity';

/** The pod of a program as its users write it, with some of its one container changed and more to mount. */
function changed(
  program: Program,
  container: object,
  more: { readonly volumes?: readonly object[] } = {},
): object {
  const { containers, volumes = [], ...spec } = program.pod(program.image.name);
  return {
    ...spec,
    volumes: [...volumes, ...(more.volumes ?? [])],
    containers: containers.map((given) => ({ ...given, ...container })),
  };
}

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function variable(name: string, from: object): object {
  return { env: [{ name, valueFrom: from }] };
}

/** Serves hardened; its address. */
async function serving(namespace: string, program: Program): Promise<string> {
  await deploy(namespace, program.id, program.pod(program.image.name));
  return (await podOfDeployment(namespace, program.id)).becomesReady();
}

/** A pod in which lines of sh run, and end it each time. */
function crashing(lines: string, parts: { container?: object; pod?: object } = {}): Combination['make'] {
  return (namespace) => deployBroken(namespace, 'web', shell(lines, parts), crashes);
}

/** What fails by itself. Every pod is hardened by the built-in `default`. */
const CASES: readonly OtherCase[] = [
  {
    name: 'bad-config',
    title: 'a mistake in a configuration file',
    program: nginx,
    make: async (namespace) => {
      await create(namespace, configMap('conf', { 'default.conf': 'server {\n  lissten 80;\n}\n' }));
      const mount = { name: 'conf', mountPath: '/etc/nginx/conf.d' };
      const spec = changed(
        nginx,
        { volumeMounts: [mount] },
        { volumes: [{ name: 'conf', configMap: { name: 'conf' } }] },
      );
      return deployBroken(namespace, 'web', spec, crashes);
    },
  },
  {
    name: 'bad-option',
    title: 'an option that the program does not know',
    program: redis,
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        changed(redis, { args: ['redis-server', '--maxmemry', '1gb'] }),
        crashes,
      ),
  },
  {
    name: 'missing-secret',
    title: 'a Secret that does not exist',
    make: (namespace) => {
      const env = variable('PASSWORD', { secretKeyRef: { name: 'database', key: 'password' } });
      return deployBroken(
        namespace,
        'web',
        shell(SLEEP, { container: env }),
        waits('CreateContainerConfigError'),
      );
    },
  },
  {
    name: 'missing-key',
    title: 'a key that a ConfigMap does not have',
    make: async (namespace) => {
      await create(namespace, configMap('settings', { host: 'db' }));
      const env = variable('PORT', { configMapKeyRef: { name: 'settings', key: 'port' } });
      return deployBroken(
        namespace,
        'web',
        shell(SLEEP, { container: env }),
        waits('CreateContainerConfigError'),
      );
    },
  },
  {
    name: 'missing-volume',
    title: 'a volume of a ConfigMap that does not exist',
    make: (namespace) => {
      const pod = { volumes: [{ name: 'conf', configMap: { name: 'settings' } }] };
      const container = { volumeMounts: [{ name: 'conf', mountPath: '/conf' }] };
      return deployBroken(namespace, 'web', shell(SLEEP, { container, pod }), staysCreating(5));
    },
  },
  {
    name: 'wrong-image',
    title: 'an image that no registry has',
    make: (namespace) => {
      const container = { image: 'registry.example/shop/wbe:1', imagePullPolicy: 'IfNotPresent' };
      return deployBroken(
        namespace,
        'web',
        shell(SLEEP, { container }),
        waits('ErrImagePull', 'ImagePullBackOff'),
      );
    },
  },
  {
    name: 'wrong-tag',
    title: 'a tag that the node does not have, and may not pull',
    make: (namespace) => {
      const container = { image: `${CLIENT.name}.1` };
      return deployBroken(namespace, 'web', shell(SLEEP, { container }), waits('ErrImageNeverPull'));
    },
  },
  {
    name: 'exception',
    title: 'an exception that nobody catches',
    program: node,
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        changed(node, { args: ['node', '-e', 'const orders = undefined; console.log(orders.length)'] }),
        crashes,
      ),
  },
  {
    name: 'traceback',
    title: 'an exception in Python, for a file that is not there',
    program: python,
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        changed(python, { args: ['python3', '-c', "open('/etc/shop/settings.toml')"] }),
        crashes,
      ),
  },
  {
    name: 'segfault',
    title: 'a segmentation fault',
    program: python,
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        changed(python, { args: ['python3', '-c', 'import ctypes; ctypes.string_at(0)'] }),
        crashes,
      ),
  },
  {
    name: 'wrong-command',
    title: 'a command that the image does not have',
    make: (namespace) =>
      deployBroken(namespace, 'web', shell(SLEEP, { container: { command: ['shop-server'] } }), crashes),
  },
  {
    name: 'not-executable',
    title: 'a command that is no program',
    make: (namespace) =>
      deployBroken(namespace, 'web', shell(SLEEP, { container: { command: ['/etc/hostname'] } }), crashes),
  },
  {
    name: 'readiness',
    title: 'a readiness probe of a page that is not there',
    program: nginx,
    make: (namespace) => {
      const readinessProbe = { httpGet: { path: '/healthz', port: 80 }, periodSeconds: 1 };
      return deployBroken(namespace, 'web', changed(nginx, { readinessProbe }), staysUnready(5));
    },
  },
  {
    name: 'liveness',
    title: 'a liveness probe that always fails',
    make: (namespace) => {
      const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 };
      return deployBroken(namespace, 'web', shell(SLEEP, { container: { livenessProbe } }), crashes);
    },
  },
  {
    name: 'completed',
    title: 'a program that ends by itself, all well',
    make: crashing('echo done'),
  },
  {
    name: 'own-memory-limit',
    title: "its author's own memory limit",
    make: crashing('exec tail /dev/zero', { container: { resources: { limits: { memory: '32Mi' } } } }),
  },
  {
    name: 'own-eviction',
    title: "its author's own limit of an emptyDir",
    make: (namespace) =>
      applyBroken(
        namespace,
        'web',
        shell(`head -c 9000000 /dev/zero > /cache/file; ${SLEEP}`, {
          container: { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] },
          pod: { volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Mi' } }] },
        }),
        fails,
      ),
  },
  {
    name: 'no-space',
    title: 'a full volume',
    make: crashing('set -e; head -c 9000000 /dev/zero > /cache/file', {
      container: { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] },
      pod: { volumes: [{ name: 'cache', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }] },
    }),
  },
  {
    name: 'dependency',
    title: 'a database that refuses connections',
    make: crashing('exec redis-cli -h 127.0.0.1 ping'),
  },
  {
    name: 'name',
    title: 'a name that DNS does not have',
    make: crashing('exec curl --silent --show-error http://orders.shop.svc/'),
  },
  {
    name: 'own-read-only-mount',
    title: 'writes into the ConfigMap that its author mounted',
    make: async (namespace) => {
      await create(namespace, configMap('settings', { 'app.conf': 'a=1\n' }));
      return deployBroken(
        namespace,
        'web',
        shell(`set -e; echo b=2 > /etc/shop/app.conf; ${SLEEP}`, {
          container: { volumeMounts: [{ name: 'conf', mountPath: '/etc/shop' }] },
          pod: { volumes: [{ name: 'conf', configMap: { name: 'settings' } }] },
        }),
        crashes,
      );
    },
  },
  {
    name: 'own-read-only-volume',
    title: 'writes into a volume that its author mounted read-only',
    make: crashing(`set -e; echo 1 > /data/state; ${SLEEP}`, {
      container: { volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true }] },
      pod: { volumes: [{ name: 'data', emptyDir: {} }] },
    }),
  },
  {
    name: 'own-read-only-root',
    title: "its author's own readOnlyRootFilesystem",
    make: crashing(`set -e; mkdir /srv/state; ${SLEEP}`, {
      container: { securityContext: { readOnlyRootFilesystem: true } },
    }),
  },
  {
    name: 'own-non-root',
    title: "its author's own runAsNonRoot, of an image that starts as root",
    make: (namespace) =>
      deployBroken(
        namespace,
        'web',
        shell(SLEEP, { container: { securityContext: { runAsNonRoot: true } } }),
        waits('CreateContainerConfigError'),
      ),
  },
  {
    name: 'own-user',
    title: "its author's own user, to whom the directory does not belong",
    make: crashing(`set -e; echo 1 > /var/lib/state; ${SLEEP}`, {
      container: { securityContext: { runAsUser: 1000, readOnlyRootFilesystem: false } },
    }),
  },
  {
    name: 'address-in-use',
    title: 'a port that another container of the pod has',
    program: python,
    make: (namespace) => {
      const server = changed(python, { args: ['python3', '-m', 'http.server', '8000'] });
      const { containers } = server as { readonly containers: readonly object[] };
      const second = { ...containers[0], name: 'second', args: ['python3', '-m', 'http.server', '8000'] };
      return deployBroken(namespace, 'web', { ...server, containers: [...containers, second] }, crashes);
    },
  },
  {
    name: 'password',
    title: 'a password that the database does not take',
    program: postgres,
    make: async (namespace) => {
      const host = await serving(namespace, postgres);
      const psql = `PGPASSWORD=not-the-password exec psql -h ${host} -U postgres -c 'select 1'`;
      return deployBroken(namespace, 'web', shell(psql), crashes);
    },
  },
  {
    name: 'database-permission',
    title: 'a user of the database who may not read a table',
    program: postgres,
    make: async (namespace) => {
      const host = await serving(namespace, postgres);
      const psql = `export PGPASSWORD=${databasePassword()}; psql -h ${host} -U postgres -c`;
      const lines = `${psql} 'create role shop; create table orders (id int)'
${psql} 'set role shop; select * from orders'`;
      return deployBroken(namespace, 'web', shell(`set -e\n${lines}`), crashes);
    },
  },
  {
    name: 'acl',
    title: 'a user of the store who may not write',
    program: redis,
    make: async (namespace) => {
      const host = await serving(namespace, redis);
      const cli = `redis-cli -h ${host}`;
      const lines = `${cli} acl setuser shop on nopass '~*' +get
${cli} --user shop --pass any set order 1
exit 1`;
      return deployBroken(namespace, 'web', shell(lines), crashes);
    },
  },
  {
    name: 'forbidden',
    title: 'an HTTP server that forbids it, in a log that goes on',
    program: nginx,
    make: async (namespace) => {
      const host = await serving(namespace, nginx);
      const call = `curl --silent --show-error --fail -X PUT --data 1 http://${host}/orders`;
      return deployBroken(
        namespace,
        'web',
        shell(`while true; do ${call}; sleep 1; done`, {
          container: { readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1 } },
        }),
        runs(4),
      );
    },
  },
];

function databasePassword(): string {
  const [container] = postgres.pod(postgres.image.name).containers;
  return (container?.env ?? []).find(({ name }: Json) => name === 'POSTGRES_PASSWORD')?.value ?? '';
}

/** What is broken under full hardening, by something else. */
export function otherCombinations(): Combination[] {
  return CASES.map(({ name, title, program, make }) => ({
    id: `other-${name}`,
    group: 'other',
    title,
    program: program?.id ?? 'client',
    expected: [],
    make,
  }));
}
