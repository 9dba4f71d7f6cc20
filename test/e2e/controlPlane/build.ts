import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BinariesError } from './binariesError.js';
import { onPath } from './onPath.js';

const MODULE = import.meta.dirname;
const SOURCES = ['main.go', 'go.mod', 'go.sum'] as const;
const NAMES = ['kube-apiserver', 'kube-controller-manager', 'kubelet', 'kubectl'] as const;
const BINARY = 'kubernetes-control-plane';

/** What k8s.io/kubernetes v1.36 asks for in its own go.mod. */
const OLDEST_GO: readonly [number, number] = [1, 26];

/** The version of Kubernetes, as go.mod requires it. */
export function kubernetesVersion(): string {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(MODULE, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new BinariesError(`${MODULE}/go.mod does not require k8s.io/kubernetes`);
  return version;
}

/** Changes with whatever the build depends on. */
export function cacheName(): string {
  const hash = createHash('sha256');
  for (const name of SOURCES) hash.update(readFileSync(join(MODULE, name)));
  return `control-plane-${kubernetesVersion()}-${hash.digest('hex').slice(0, 12)}`;
}

/**
 * Builds into a folder beside and renames it: the cache holds a whole build or none, also where two builds race.
 *
 * @throws BinariesError where there is no Go that can build it
 */
export function buildControlPlane(folder: string, env: NodeJS.ProcessEnv, say: (line: string) => void): void {
  const go = findGo(env);
  const version = kubernetesVersion();
  say(`Building Kubernetes ${version} into ${folder}: about five minutes, once.`);
  const partial = `${folder}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    execFileSync(
      go,
      ['build', '-trimpath', '-ldflags', linkerFlags(version), '-o', join(partial, BINARY), '.'],
      {
        cwd: MODULE,
        env: { ...env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' },
        // Its progress goes where messages go: standard output is for results.
        stdio: ['ignore', 2, 2],
      },
    );
    for (const name of NAMES) symlinkSync(BINARY, join(partial, name));
    moveInto(partial, folder);
  } catch (error) {
    throw new BinariesError(`Building Kubernetes ${version} failed, see above.`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function moveInto(partial: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another build of the same sources was faster.
    if (!existsSync(join(folder, BINARY))) throw error;
  }
}

/** What Kubernetes' own build sets: clients read it at /version, feature gates compare with it. */
function linkerFlags(version: string): string {
  const [major = '', minor = ''] = version.slice(1).split('.');
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const set = Object.entries(values).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ['-s', '-w', ...set].join(' ');
}

/** @throws BinariesError where there is no Go, or only an older one */
export function findGo(env: NodeJS.ProcessEnv): string {
  const needed = OLDEST_GO.join('.');
  const ways =
    `either install Go ${needed} or newer (https://go.dev/dl/) and run again, ` +
    'or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager';
  // Also where its own installer puts it, which is on PATH in a login shell only.
  const go = onPath('go', { PATH: `${env['PATH'] ?? ''}:/usr/local/go/bin` });
  if (go === undefined) {
    throw new BinariesError(
      `The end-to-end tests need a Kubernetes control plane, and there is no Go: ${ways}.`,
    );
  }
  // Not in the module's folder, whose go.mod would have an older Go fetch a newer one.
  const told = execFileSync(go, ['env', 'GOVERSION'], {
    cwd: '/',
    env: { ...env, GOTOOLCHAIN: 'local' },
    encoding: 'utf8',
  });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(told) ?? [];
  const isOlder =
    Number(major) < OLDEST_GO[0] || (Number(major) === OLDEST_GO[0] && Number(minor) < OLDEST_GO[1]);
  if (major === undefined || isOlder) {
    throw new BinariesError(
      `The end-to-end tests need a Kubernetes control plane, and ${go} is ${told.trim()}: ${ways}.`,
    );
  }
  return go;
}
