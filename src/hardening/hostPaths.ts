import type { ContainerDraft } from './containerDraft.js';
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
    // The API refuses a second volume of a name; counting it again would let a hostile pod square our work.
    if (path == null || pod.volume(volume.name) !== volume) return;
    const cleaned = cleanPath(path);
    if (!rule.isSensitive(cleaned)) return;
    const field = ['spec', 'volumes', index, 'hostPath', 'path'];
    const mounts = pod.mountsOf(volume.name);
    if (mounts.length === 0 && pod.podIsWritable && !rule.isAllowed(cleaned, true))
      pod.report(undefined, field, path);

    let reported: ContainerDraft | undefined;
    for (const { container, index: mountIndex, mount } of mounts) {
      const readOnly = mount.readOnly === true;
      if (rule.isAllowed(cleaned, readOnly)) continue;
      if (rule.makeReadOnly && !readOnly && pod.stance(container).replaces) {
        pod.replace(container, ['volumeMounts', mountIndex, 'readOnly'], mount.readOnly ?? undefined, true);
      } else if (reported !== container) {
        pod.report(container, field, path);
        reported = container;
      }
    }
  });
}
