import type { PodSecurityControl } from '../control.js';
import { refuseUnmasked } from './procMount.js';

/**
 * The masks over /proc must stay, in a user namespace too.
 *
 * Fields: `securityContext.procMount` of every container.
 * Allowed: Default, unset.
 * Source: policy/check_procMount_restricted.go, v1.35+.
 */
export const procMountRestricted: PodSecurityControl = {
  id: 'procMount_restricted',
  level: 'restricted',
  check: refuseUnmasked,
};
