import type { Nullable, SeccompProfile } from '../../hardening/podSpec.js';
import type { PodSecurityControl, RefusedField } from '../control.js';
import { distinct, quote, setters } from '../message.js';
import { type PodView, containerField } from '../podView.js';

/**
 * The system call filter must not be switched off.
 *
 * Fields: `securityContext.seccompProfile.type` of the pod and of every container.
 * Allowed: RuntimeDefault, Localhost; the profile unset. A profile without a type is refused.
 * The annotations `seccomp.security.alpha.kubernetes.io/…` count only for policies up to v1.18, and are not read.
 * Source: policy/check_seccompProfile_baseline.go, v1.19+.
 */
export const seccompProfileBaseline: PodSecurityControl = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  check(pod) {
    const fields = refusedProfiles(pod);
    if (fields.length === 0) return undefined;
    return { message: `seccompProfile (${mustNotSet(fields)})`, fields };
  },
};

export interface RefusedProfile extends RefusedField {
  readonly value: string;
}

/** The profiles that are set, and to something that is not allowed. */
export function refusedProfiles({ spec, containers }: PodView): RefusedProfile[] {
  const onPod = refusedType(spec.securityContext?.seccompProfile);
  return [
    ...(onPod === undefined ? [] : [{ field: 'spec.securityContext.seccompProfile.type', value: onPod }]),
    ...containers.flatMap((place) => {
      const value = refusedType(place.container.securityContext?.seccompProfile);
      if (value === undefined) return [];
      return [
        { field: containerField(place, 'securityContext.seccompProfile.type'), container: place.name, value },
      ];
    }),
  ];
}

export function mustNotSet(profiles: readonly RefusedProfile[]): string {
  const types = quote(distinct(profiles.map(({ value }) => value)));
  return `${setters(profiles)} must not set securityContext.seccompProfile.type to ${types}`;
}

function refusedType(profile: Nullable<SeccompProfile>): string | undefined {
  if (!profile) return undefined;
  const type = profile.type ?? '';
  return type === 'RuntimeDefault' || type === 'Localhost' ? undefined : type;
}
