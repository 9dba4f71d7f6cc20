import type { Nullable, SELinuxOptions } from '../../hardening/podSpec.js';
import type { PodSecurityControl, RefusedField } from '../control.js';
import { distinct, plural, quote, setters } from '../message.js';
import { containerField } from '../podView.js';

const ALLOWED_TYPES: ReadonlySet<string> = new Set([
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);

/**
 * A container must keep the confinement that SELinux gives containers.
 *
 * Fields: `securityContext.seLinuxOptions.type` of the pod and of every container.
 * Allowed: container_t, container_init_t, container_kvm_t, container_engine_t; empty, unset.
 * Fields: `securityContext.seLinuxOptions.user` and `.role` of the same. Allowed: empty, unset. `level` is free.
 * Source: policy/check_seLinuxOptions.go, v1.31+.
 */
export const seLinuxOptions: PodSecurityControl = {
  id: 'seLinuxOptions',
  level: 'baseline',
  check({ spec, containers }) {
    const fields = [
      ...refusedOptions(spec.securityContext?.seLinuxOptions, 'spec.securityContext.seLinuxOptions'),
      ...containers.flatMap((place) =>
        refusedOptions(
          place.container.securityContext?.seLinuxOptions,
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
  path: string,
  container?: string,
): RefusedOption[] {
  const { type, user, role } = options ?? {};
  const refused: RefusedOption[] = [];
  const refuse = (option: Option, value: string): void => {
    refused.push({ field: `${path}.${option}`, ...(container !== undefined && { container }), value });
  };
  if (type && !ALLOWED_TYPES.has(type)) refuse('type', type);
  if (user) refuse('user', user);
  if (role) refuse('role', role);
  return refused;
}
