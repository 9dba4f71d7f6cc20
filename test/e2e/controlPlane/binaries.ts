import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BinariesError } from './binariesError.js';
import { buildControlPlane, cacheName } from './build.js';
import { findEtcd } from './etcdBinary.js';
import { onPath } from './onPath.js';

/** Paths of the programs of which the control plane consists, and of the kubectl that speaks to it. */
export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
  /** For the tests of a node; envtest's folders have none. */
  readonly kubelet: string | undefined;
  readonly kubectl: string;
}

export interface BinariesOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Outside the repository, so that `make clean` does not cost five minutes. */
  readonly cacheFolder?: string;
  readonly say?: (line: string) => void;
}

/** kubectl debug, events and `--subresource` as the tests use them. */
const OLDEST_KUBECTL = 29;

/**
 * In order: the folder KUBEBUILDER_ASSETS; the build in the cache; a build.
 *
 * @throws BinariesError naming what is missing and how to get it
 */
export function findBinaries({
  env = process.env,
  cacheFolder = join(homedir(), '.cache', 'kube-harden'),
  say = () => undefined,
}: BinariesOptions = {}): Binaries {
  const assets = env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return fromAssets(assets, env);
  // First, since it is looked for in a second: nobody is to build for five minutes and then miss it.
  const etcd = findEtcd(env, cacheFolder, say);
  const folder = join(cacheFolder, cacheName());
  if (!existsSync(join(folder, 'kubectl'))) buildControlPlane(folder, env, say);
  return { etcd, ...programs(folder), kubelet: join(folder, 'kubelet'), kubectl: join(folder, 'kubectl') };
}

function fromAssets(folder: string, env: NodeJS.ProcessEnv): Binaries {
  const found = { etcd: join(folder, 'etcd'), ...programs(folder) };
  const missing = Object.values(found).filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new BinariesError(
      `KUBEBUILDER_ASSETS is ${folder}, and there is no ${missing.join(', no ')}; ` +
        'add what is missing, or unset it to use a build of our own (needs Go)',
    );
  }
  return {
    ...found,
    kubelet: ifThere(join(folder, 'kubelet')),
    kubectl: ifThere(join(folder, 'kubectl')) ?? kubectlOnPath(env),
  };
}

function ifThere(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function programs(folder: string): Pick<Binaries, 'apiServer' | 'controllerManager'> {
  return {
    apiServer: join(folder, 'kube-apiserver'),
    controllerManager: join(folder, 'kube-controller-manager'),
  };
}

function kubectlOnPath(env: NodeJS.ProcessEnv): string {
  const path = onPath('kubectl', env);
  if (path === undefined) throw new BinariesError('KUBEBUILDER_ASSETS has no kubectl, and PATH neither');
  const output = execFileSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  const { clientVersion } = JSON.parse(output) as { clientVersion: { minor: string; gitVersion: string } };
  if (Number.parseInt(clientVersion.minor, 10) >= OLDEST_KUBECTL) return path;
  throw new BinariesError(
    `KUBEBUILDER_ASSETS has no kubectl, and ${path} is ${clientVersion.gitVersion}; 1.${OLDEST_KUBECTL} is needed`,
  );
}
