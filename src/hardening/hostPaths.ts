import type { ContainerDraft } from './containerDraft.js';
import type { PodDraft } from './podDraft.js';
import type { VolumeMount } from './podSpec.js';
import type { Settings as HostPathSettings } from './rules/hostPath.settings.js';
import { cleanPath, isAtOrBelow } from './volumes.js';

export interface HostPathRule {
  /** @param path cleaned */
  isSensitive(path: string): boolean;
  isAllowed(path: string, readOnly: boolean): boolean;
  /** Override turns writable mounts into read-only ones. */
  readonly makeReadOnly: boolean;
}

/** Whether the path of a volume is sensitive by the rule hostPath. */
export function hostPathRule({ paths, allowed }: HostPathSettings): HostPathRule {
  return {
    isSensitive: (path) => paths.some((sensitive) => touches(path, sensitive)),
    isAllowed: (path, readOnly) =>
      allowed.some((entry) => entry.path === path && (readOnly || !entry.readOnly)),
    makeReadOnly: true,
  };
}

function touches(path: string, sensitive: string): boolean {
  return (
    path === sensitive || (sensitive !== '/' && isAtOrBelow(path, sensitive)) || isAtOrBelow(sensitive, path)
  );
}

/** Whether the rule hostPath turns a writable mount into a read-only one in this pass. */
export function becomesReadOnly(pod: PodDraft, container: ContainerDraft, { name }: VolumeMount): boolean {
  if (pod.stanceOf('hostPath', container)?.replaces !== true) return false;
  const path = pod.volume(name)?.hostPath?.path;
  const settings = pod.plan.byId.hostPath?.settings as HostPathSettings | undefined;
  if (path == null || !settings) return false;
  const cleaned = cleanPath(path);
  const rule = hostPathRule(settings);
  return rule.isSensitive(cleaned) && !rule.isAllowed(cleaned, false);
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
