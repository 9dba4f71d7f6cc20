import { hostPathRule, reportHostPaths } from '../hostPaths.js';
import type { Rule } from '../rule.js';
import type { Settings } from './hostPath.settings.js';

/**
 * Keeps sensitive directories of the node out of containers.
 *
 * Fields: `spec.volumes[*].hostPath.path`, cleaned and compared by component. A volume is sensitive where its path is
 * one of `paths`, below one, or above one (a mount of /var shows /var/lib/kubelet); `/` in `paths` means exactly `/`.
 */
export const hostPath: Rule<Settings> = {
  id: 'hostPath',
  title: 'No sensitive host directories are mounted',
  reason: "What a container can write in the node's system directories, it can run on the node as root.",
  risk: 'high',
  control: { level: 'baseline', name: 'hostPathVolumes' },
  os: 'linux',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: 'nothing; every mount of such a directory is reported',
    Override: 'the mounts become `readOnly: true`',
  },
  fields: [
    'spec.containers[*].volumeMounts[*].readOnly',
    'spec.initContainers[*].volumeMounts[*].readOnly',
    'spec.ephemeralContainers[*].volumeMounts[*].readOnly',
  ],

  apply(pod, settings) {
    reportHostPaths(pod, hostPathRule(settings));
  },
};
