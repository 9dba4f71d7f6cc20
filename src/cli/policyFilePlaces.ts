import { readFileSync } from 'node:fs';
import type { Policy } from '../policy/policy.js';
import type { PolicyPlaces } from '../preview/policyPlaces.js';
import type { PlanFlags } from './planFlags.js';

/** The policies of `--policy-file` once more, which have been loaded without an error, and where they are written. */
export async function policyFilePlaces({ policyFile }: PlanFlags): Promise<{
  readonly own: readonly Policy[];
  readonly places: PolicyPlaces;
}> {
  const [{ loadPolicies, policyFiles }, { PolicyPlaces: Places }] = await Promise.all([
    import('../policy/load.js'),
    import('../preview/policyPlaces.js'),
  ]);
  const files = policyFile === undefined ? [] : policyFiles(policyFile);
  const texts = files.map((name) => ({ name, text: readFileSync(name, 'utf8') }));
  const own = texts.flatMap(({ name, text }) => loadPolicies(text, { source: name }));
  return { own, places: new Places(texts) };
}
