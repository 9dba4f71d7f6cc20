import type { Nullable, SeccompProfile } from '../../hardening/podSpec.js';
import type { PodSecurityControl, Refusal, RefusedField } from '../control.js';
import { distinct, plural, quote, setters } from '../message.js';
import { type PodView, containerField } from '../podView.js';

const POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const CONTAINER_ANNOTATION_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/';

/**
 * The system call filter must not be switched off.
 *
 * Fields: `securityContext.seccompProfile.type` of the pod and of every container.
 * Allowed: RuntimeDefault, Localhost; the profile unset. A profile without a type is refused.
 * Up to v1.18 instead: `metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]`, and
 * `[container.seccomp.security.alpha.kubernetes.io/<name>]` of every container. Allowed: `runtime/default`,
 * `docker/default`, `localhost/*`; unset.
 * Source: policy/check_seccompProfile_baseline.go.
 */
export const seccompProfileBaseline: PodSecurityControl = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  check(pod, minor) {
    if (minor < 19) return refusedAnnotations(pod);
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

function refusedAnnotations({ annotations, containers }: PodView): Refusal | undefined {
  const refused = [
    { key: POD_ANNOTATION },
    ...containers.map(({ name }) => ({ key: CONTAINER_ANNOTATION_PREFIX + name, container: name })),
  ]
    .filter(({ key }) => Object.hasOwn(annotations, key))
    .map((read) => ({ ...read, value: annotations[read.key] ?? '' }))
    .filter(({ value }) => !isAllowedAnnotation(value));
  if (refused.length === 0) return undefined;
  const named = distinct(refused.map(({ key, value }) => `${key}=${JSON.stringify(value)}`));
  return {
    message: `seccompProfile (forbidden ${plural('annotation', named.length)} ${named.join(', ')})`,
    fields: refused.map(({ key, ...rest }) => ({ field: `metadata.annotations[${key}]`, ...rest })),
  };
}

function isAllowedAnnotation(value: string): boolean {
  return value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/');
}
