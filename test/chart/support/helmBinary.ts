import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BinariesError } from '../../e2e/controlPlane/binariesError.js';
import { onPath } from '../../e2e/controlPlane/onPath.js';

const VERSION = 'v3.19.5';
/** Of the client-go in helm's own go.mod: what `helm template` takes the cluster for. */
const KUBERNETES = { major: '1', minor: '34' };
const MODULE = 'helm.sh/helm/v3';
/** The first whose schema checks and messages the tests know. */
const OLDEST_MINOR = 19;

export interface HelmOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Outside the repository, so that `make clean` does not cost two minutes. */
  readonly cacheFolder?: string;
  readonly say?: (line: string) => void;
}

/**
 * In order: PATH's helm, where it is 3.19 or a later 3; the build in the cache; a build.
 *
 * @throws BinariesError where there is no Go that can build it
 */
export function findHelm({
  env = process.env,
  cacheFolder = join(homedir(), '.cache', 'kube-harden'),
  say = () => undefined,
}: HelmOptions = {}): string {
  const installed = onPath('helm', env);
  if (installed !== undefined && isNewEnough(installed)) return installed;
  const folder = join(cacheFolder, `helm-${VERSION}`);
  const built = join(folder, 'helm');
  if (!existsSync(built)) build(folder, env, say);
  return built;
}

function isNewEnough(helm: string): boolean {
  const told = execFileSync(helm, ['version', '--template', '{{.Version}}'], { encoding: 'utf8' });
  const [, minor] = /^v3\.(\d+)\./.exec(told) ?? [];
  return Number(minor) >= OLDEST_MINOR;
}

/** Into a folder beside, which is renamed: the cache holds a whole build or none, also where two builds race. */
function build(folder: string, env: NodeJS.ProcessEnv, say: (line: string) => void): void {
  const go = onPath('go', { PATH: `${env['PATH'] ?? ''}:/usr/local/go/bin` });
  if (go === undefined) {
    throw new BinariesError(
      `The tests of the chart need helm 3.${OLDEST_MINOR} or a later helm 3, and there is neither one on PATH nor Go to build one: ` +
        'install helm (https://helm.sh/docs/intro/install/) or Go (https://go.dev/dl/) and run again.',
    );
  }
  say(`Building helm ${VERSION} into ${folder}: about two minutes, once.`);
  const partial = `${folder}.partial-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    execFileSync(go, ['install', '-trimpath', '-ldflags', linkerFlags(), `${MODULE}/cmd/helm@${VERSION}`], {
      // Not in the repository, and by helm's own go.mod.
      cwd: '/',
      env: { ...env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOBIN: partial },
      // Its progress goes where messages go: standard output is for results.
      stdio: ['ignore', 2, 2],
    });
    if (!existsSync(folder)) renameSync(partial, folder);
  } catch (error) {
    // Another build was faster.
    if (existsSync(join(folder, 'helm'))) return;
    throw new BinariesError(`Building helm ${VERSION} failed, see above.`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** As helm's own Makefile has them. Without those of Kubernetes, `helm template` takes the cluster for 1.20. */
function linkerFlags(): string {
  const set = [`-X ${MODULE}/internal/version.version=${VERSION}`];
  for (const folder of ['pkg/lint/rules', 'pkg/chartutil']) {
    set.push(`-X ${MODULE}/${folder}.k8sVersionMajor=${KUBERNETES.major}`);
    set.push(`-X ${MODULE}/${folder}.k8sVersionMinor=${KUBERNETES.minor}`);
  }
  return ['-s', '-w', ...set].join(' ');
}
