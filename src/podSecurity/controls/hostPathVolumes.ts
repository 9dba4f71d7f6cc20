import type { PodSecurityControl } from '../control.js';
import { plural, quote } from '../message.js';

/**
 * A pod must not mount the host's files.
 *
 * Fields: `spec.volumes[*].hostPath`.
 * Allowed: unset. Neither the path nor a read-only mount matters.
 * Source: policy/check_hostPathVolumes.go, v1.0+.
 */
export const hostPathVolumes: PodSecurityControl = {
  id: 'hostPathVolumes',
  level: 'baseline',
  check({ spec }) {
    const refused = (spec.volumes ?? []).flatMap(({ name, hostPath }, index) =>
      hostPath ? [{ name: name ?? '', field: `spec.volumes[${index}].hostPath`, value: hostPath }] : [],
    );
    if (refused.length === 0) return undefined;
    const names = refused.map(({ name }) => name);
    return {
      message: `hostPath volumes (${plural('volume', names.length)} ${quote(names)})`,
      fields: refused.map(({ field, value }) => ({ field, value })),
    };
  },
};
