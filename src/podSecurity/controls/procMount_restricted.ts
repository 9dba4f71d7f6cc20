import type { PodSecurityControl } from '../control.js';
import { refuseUnmasked } from './procMount.js';

/**
 * The masks over /proc must stay, in a user namespace too. Before v1.35 the baseline control asks for that.
 *
 * Fields: `securityContext.procMount` of every container.
 * Allowed: Default, unset.
 * Source: policy/check_procMount_restricted.go.
 */
export const procMountRestricted: PodSecurityControl = {
  id: 'procMount_restricted',
  level: 'restricted',
  since: 35,
  check: refuseUnmasked,
};
