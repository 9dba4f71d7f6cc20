import type { PodDraft } from '../podDraft.js';
import type { Volume } from '../podSpec.js';
import type { Rule } from '../rule.js';

const FIELD = ['spec', 'automountServiceAccountToken'];
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN_VOLUME_PREFIX = 'kube-api-access-';

/**
 * Keeps service containers away from the API server: no token, no way in.
 *
 * Field: `spec.automountServiceAccountToken`. By the time a webhook sees a Pod the API server has injected the token
 * volume already, so setting the field alone changes nothing: volume and mounts go in the same patch, recognised by
 * shape and not by name alone. On templates the field is enough.
 * Source: k8s.io/kubernetes plugin/pkg/admission/serviceaccount.
 */
export const automountServiceAccountToken: Rule = {
  id: 'automountServiceAccountToken',
  title: 'No service account token is mounted',
  reason:
    'A program that does not talk to the API server has no use for a token, and whoever breaks into it has.',
  risk: 'medium',
  os: 'any',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: {
    Default: '`false`, and the token volume that the API server has injected already goes',
    Override: 'explicit `true`',
  },
  fields: [
    'spec.automountServiceAccountToken',
    'spec.volumes[*]',
    'spec.containers[*].volumeMounts[*]',
    'spec.initContainers[*].volumeMounts[*]',
  ],
  wholePod: true,

  apply(pod) {
    if (!pod.podIsWritable) return;
    const value = pod.field('automountServiceAccountToken');
    if (value === false) return;
    const written =
      value === true ? pod.replace(undefined, FIELD, true, false) : pod.fill(undefined, FIELD, false);
    if (written) removeTokens(pod);
  },
};

function removeTokens(pod: PodDraft): void {
  // Nothing is injected into a template: what looks like it there, its author wrote.
  if (pod.input.scope !== 'pod') return;
  pod.spec.volumes?.forEach((volume, index) => {
    if (!isInjectedToken(pod, volume)) return;
    pod.write(undefined, ['spec', 'volumes', index], volume, undefined);
    for (const { container, index: mountIndex, mount } of pod.mountsOf(volume.name))
      pod.write(container, ['volumeMounts', mountIndex], mount, undefined);
  });
}

function isInjectedToken(pod: PodDraft, volume: Volume): boolean {
  if (volume.name?.startsWith(TOKEN_VOLUME_PREFIX) !== true) return false;
  const hasToken =
    volume.projected?.sources?.some((source) => source['serviceAccountToken'] != null) === true;
  if (!hasToken) return false;
  const mounts = pod.mountsOf(volume.name);
  return mounts.length > 0 && mounts.every(({ mount }) => mount.mountPath === TOKEN_PATH);
}
