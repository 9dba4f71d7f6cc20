import type { Nullable, SELinuxOptions } from '../../hardening/podSpec.js';
import type { PodSecurityControl, RefusedField } from '../control.js';
import { distinct, plural, quote, setters } from '../message.js';
import { containerField } from '../podView.js';

/** Each with the minor since which it is allowed. */
const ALLOWED_TYPES: ReadonlyMap<string, number> = new Map([
  ['container_t', 0],
  ['container_init_t', 0],
  ['container_kvm_t', 0],
  ['container_engine_t', 31],
]);

/**
 * A container must keep the confinement that SELinux gives containers.
 *
 * Fields: `securityContext.seLinuxOptions.type` of the pod and of every container.
 * Allowed: the types above; empty, unset.
 * Fields: `securityContext.seLinuxOptions.user` and `.role` of the same. Allowed: empty, unset. `level` is free.
 * Source: policy/check_seLinuxOptions.go.
 */
export const seLinuxOptions: PodSecurityControl = {
  id: 'seLinuxOptions',
  level: 'baseline',
  check({ spec, containers }, minor) {
    const fields = [
      ...refusedOptions(spec.securityContext?.seLinuxOptions, minor, 'spec.securityContext.seLinuxOptions'),
      ...containers.flatMap((place) =>
        refusedOptions(
          place.container.securityContext?.seLinuxOptions,
          minor,
          containerField(place, 'securityContext.seLinuxOptions'),
          place.name,
        ),
      ),
    ];
    if (fields.length === 0) return undefined;

    const setting = (option: Option) => fields.filter(({ field }) => field.endsWith(`.${option}`));
    const types = distinct(setting('type').map(({ value }) => value));
    const details = [
      ...(types.length > 0 ? [`${plural('type', types.length)} ${quote(types)}`] : []),
      ...(['user', 'role'] as const)
        .filter((option) => setting(option).length > 0)
        .map((option) => `${option} may not be set`),
    ];
    return {
      message: `seLinuxOptions (${setters(fields)} set forbidden securityContext.seLinuxOptions: ${details.join('; ')})`,
      fields,
    };
  },
};

type Option = 'type' | 'user' | 'role';

interface RefusedOption extends RefusedField {
  readonly value: string;
}

function refusedOptions(
  options: Nullable<SELinuxOptions>,
  minor: number,
  path: string,
  container?: string,
): RefusedOption[] {
  const { type, user, role } = options ?? {};
  const refused: RefusedOption[] = [];
  const refuse = (option: Option, value: string): void => {
    refused.push({ field: `${path}.${option}`, ...(container !== undefined && { container }), value });
  };
  if (type && minor < (ALLOWED_TYPES.get(type) ?? Infinity)) refuse('type', type);
  if (user) refuse('user', user);
  if (role) refuse('role', role);
  return refused;
}
