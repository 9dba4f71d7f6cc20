import type { KubernetesObject } from '../admission/types.js';
import { locatePod } from '../hardening/locate.js';
import { renamed } from './liveDryRun.js';

/** Of an owner that is not asked about; the API server looks for none. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * A pod as the controller of a template would create it, a StatefulSet's claims among its volumes.
 *
 * @returns undefined for an object that is no template
 */
export function podOfTemplate(object: KubernetesObject, namespace: string): KubernetesObject | undefined {
  const located = locatePod(object);
  if (!located?.isTemplate) return undefined;
  const { labels, annotations } = located.pod.metadata ?? {};
  const name = object.metadata?.name ?? 'object';
  const volumes = located.pod.spec.volumes ?? [];
  const names = new Set(volumes.map((volume) => volume.name));
  const claims = located.volumeClaimTemplates
    .filter((claim) => !names.has(claim))
    .map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${name}-0` } }));
  return renamed({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [
        {
          apiVersion: String(object.apiVersion),
          kind: String(object.kind),
          name,
          uid: NOBODY,
          controller: true,
        },
      ],
    },
    spec: { ...located.pod.spec, volumes: [...volumes, ...claims] },
  });
}
