import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { RunFolder } from './runFolder.js';

const MANIFESTS = join(import.meta.dirname, '..', '..', '..', 'manifests');

/** A folder that puts components over an overlay (each named from manifests/), as a user would write it. */
export function kustomizationOf(run: RunFolder, overlay: string, components: readonly string[]): string {
  const name = [overlay, ...components].map((part) => part.replace(/.*\//, '')).join('+');
  const folder = join(run.path, name);
  mkdirSync(folder, { recursive: true });
  // kustomize takes no absolute paths.
  const at = (path: string): string => relative(folder, join(MANIFESTS, path));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [at(overlay)],
    components: components.map(at),
  };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return folder;
}
