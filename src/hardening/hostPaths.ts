import type { PodDraft } from './podDraft.js';
import { cleanPath } from './volumes.js';

export interface HostPathRule {
  /** @param path cleaned */
  isSensitive(path: string): boolean;
  isAllowed(path: string, readOnly: boolean): boolean;
  /** Override turns writable mounts into read-only ones. */
  readonly makeReadOnly: boolean;
}

/** Reports every mount of a sensitive hostPath volume; a sensitive volume that nothing mounts, on the pod. */
export function reportHostPaths(pod: PodDraft, rule: HostPathRule): void {
  pod.spec.volumes?.forEach((volume, index) => {
    const path = volume.hostPath?.path;
    if (path === undefined) return;
    const cleaned = cleanPath(path);
    if (!rule.isSensitive(cleaned)) return;
    const field = ['spec', 'volumes', index, 'hostPath', 'path'];
    const mounters = pod.containers.filter((container) =>
      container.spec.volumeMounts?.some((mount) => mount.name === volume.name),
    );
    if (mounters.length === 0 && pod.podIsWritable && !rule.isAllowed(cleaned, true))
      pod.report(undefined, field, path);

    for (const container of mounters) {
      let isReported = false;
      container.spec.volumeMounts?.forEach((mount, mountIndex) => {
        const readOnly = mount.readOnly === true;
        if (mount.name !== volume.name || rule.isAllowed(cleaned, readOnly)) return;
        if (rule.makeReadOnly && !readOnly && pod.stance(container).replaces) {
          pod.replace(container, ['volumeMounts', mountIndex, 'readOnly'], mount.readOnly ?? undefined, true);
        } else if (!isReported) {
          pod.report(container, field, path);
          isReported = true;
        }
      });
    }
  });
}
