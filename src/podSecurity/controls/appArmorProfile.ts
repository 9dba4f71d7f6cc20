import type { PodSecurityControl, RefusedField } from '../control.js';
import { distinct, plural, quote, setters } from '../message.js';
import { containerField } from '../podView.js';

const ANNOTATION_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';

/**
 * The runtime's AppArmor profile, which applies by default, must not be switched off.
 *
 * Fields: `securityContext.appArmorProfile.type` of the pod and of every container.
 * Allowed: RuntimeDefault, Localhost; the profile unset. A profile without a type is refused.
 * Fields: `metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]`, the way before v1.30, which the API
 * server still honours. Allowed: `runtime/default`, `localhost/*`, empty, unset.
 * Source: policy/check_appArmorProfile.go, v1.0+.
 */
export const appArmorProfile: PodSecurityControl = {
  id: 'appArmorProfile',
  level: 'baseline',
  check({ annotations, spec, containers }) {
    const refusedProfiles: RefusedField[] = [];
    const profiles: string[] = [];
    const inspect = (
      profile: { type?: string } | null | undefined,
      at: Omit<RefusedField, 'value'>,
    ): void => {
      if (!profile) return;
      const type = profile.type ?? '';
      if (type === 'RuntimeDefault' || type === 'Localhost') return;
      refusedProfiles.push({ ...at, value: type });
      profiles.push(type);
    };

    inspect(spec.securityContext?.appArmorProfile, { field: 'spec.securityContext.appArmorProfile.type' });
    for (const place of containers) {
      const field = containerField(place, 'securityContext.appArmorProfile.type');
      inspect(place.container.securityContext?.appArmorProfile, { field, container: place.name });
    }
    const refusedAnnotations = Object.entries(annotations)
      .filter(([key, value]) => key.startsWith(ANNOTATION_PREFIX) && !isAllowedAnnotation(value))
      .sort();
    if (refusedProfiles.length + refusedAnnotations.length === 0) return undefined;

    const who = [
      ...(refusedProfiles.length > 0 ? [setters(refusedProfiles)] : []),
      ...(refusedAnnotations.length > 0 ? [plural('annotation', refusedAnnotations.length)] : []),
    ].join(' and ');
    const values = [
      ...distinct(profiles),
      ...refusedAnnotations.map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    ];
    return {
      message: `${plural('forbidden AppArmor profile', values.length)} (${who} must not set AppArmor profile type to ${quote(values)})`,
      fields: [
        ...refusedProfiles,
        ...refusedAnnotations.map(([key, value]) => ({
          field: `metadata.annotations[${key}]`,
          container: key.slice(ANNOTATION_PREFIX.length),
          value,
        })),
      ],
    };
  },
};

function isAllowedAnnotation(value: string | null): boolean {
  return !value || value === 'runtime/default' || value.startsWith('localhost/');
}
