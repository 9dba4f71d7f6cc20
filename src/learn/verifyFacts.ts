import type { ApiClient, ApiObject, ApiStreams } from '../cluster/apiClient.js';
import type { PodFacts } from '../doctor/facts.js';
import { Gathering } from '../doctor/gather.js';
import type { Plan } from '../hardening/plan.js';
import type { CopyPod } from './verifyCopy.js';

/**
 * What a diagnosis of a copy is made of. Its author is known for certain: it is the same pod before it was hardened.
 * What may not be read is named in `missing`, and the rest counts.
 *
 * @throws ApiError, UnreachableError or the system's error where the API server cannot be asked
 */
export async function copyFacts(
  api: ApiClient & ApiStreams,
  pod: ApiObject,
  author: CopyPod,
  plan: Plan,
): Promise<PodFacts> {
  const gathering = new Gathering({
    api,
    plans: { planFor: () => plan },
    authorOf: () => Promise.resolve({ object: author, from: 'template' }),
  });
  const facts = await gathering.podFacts({ ...pod, apiVersion: 'v1', kind: 'Pod' });
  return { ...facts, missing: [...facts.missing, ...gathering.missing] };
}
