import { applyPolicy } from '../support/hardeningPolicies.js';
import { chosenPrograms } from './programChoice.js';
import type { Program } from './programs/program.js';

const NEEDS = 'e2e-needs';

/** As `default`, with profiles of the images that no catalogue can know: the test's own. */
export async function applyNeedsPolicy(): Promise<void> {
  const imageProfiles = chosenPrograms().flatMap(({ profile }) => profile ?? []);
  await applyPolicy(NEEDS, { imageProfiles });
}

/** The labels of a namespace in which a program is hardened: by the built-in `default`, unless it has a profile of its own. */
export function hardening({ profile }: Program): Record<string, string> {
  const mode = { 'kube-harden.io/mode': 'enforce' };
  return profile === undefined ? mode : { ...mode, 'kube-harden.io/policy': NEEDS };
}
