import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../e2e/controlPlane/binaries.js';
import { cacheName } from '../../e2e/controlPlane/build.js';
import { onPath } from '../../e2e/controlPlane/onPath.js';

/**
 * A kubectl, for its kustomize: that of the end-to-end tests where it is built already, else PATH's, else a build.
 *
 * @throws BinariesError where there is no Go that can build it
 */
export function findKubectl(say: (line: string) => void = () => undefined): string {
  const built = join(homedir(), '.cache', 'kube-harden', cacheName(), 'kubectl');
  if (existsSync(built)) return built;
  return onPath('kubectl', process.env) ?? findBinaries({ say }).kubectl;
}
