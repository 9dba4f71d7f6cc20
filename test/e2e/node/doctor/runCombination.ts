import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyPolicy } from '../../support/hardeningPolicies.js';
import { makeNamespace, world } from '../../support/world.js';
import { appliedRules } from './appliedRules.js';
import { askDoctor } from './askDoctor.js';
import type { BrokenWorkload, Combination } from './combination.js';
import { recordFacts } from './facts.js';
import { verdictOf, type Verdict } from './verdict.js';

/** Undefined where it does not break: then there is nothing to be told. */
export async function runCombination(combination: Combination): Promise<Verdict | undefined> {
  const { id, policy } = combination;
  const name = `doctor-${id}`;
  if (policy !== undefined) await applyPolicy(name, policy);
  const namespace = await makeNamespace({
    'kube-harden.io/mode': 'enforce',
    ...(policy && { 'kube-harden.io/policy': name }),
  });
  try {
    const broken = await combination.make(namespace);
    if (broken === undefined) return undefined;
    await record(combination, namespace, broken);
    const answer = await askDoctor(namespace, broken.target);
    return verdictOf(combination, broken, answer, appliedRules(combination));
  } finally {
    await removeAll(namespace);
  }
}

/** What the doctor reads, into the folder that E2E_DOCTOR_RECORD names: for tests of the engine alone. */
async function record(
  { id, title, expected, policy }: Combination,
  namespace: string,
  broken: BrokenWorkload,
): Promise<void> {
  const folder = process.env['E2E_DOCTOR_RECORD'];
  if (folder === undefined || folder === '' || broken.pod === undefined) return;
  const facts = await recordFacts(namespace, { ...broken, pod: broken.pod });
  const recorded = {
    title,
    quote: broken.quote,
    expected: { rules: expected },
    ...(policy && { policy }),
    facts,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${id}.json`), `${JSON.stringify(recorded, null, 1)}\n`);
}

/** At once: a program that is told to end may take its time. */
async function removeAll(namespace: string): Promise<void> {
  const { controlPlane } = world();
  const now = ['--namespace', namespace, '--all', '--wait=false'];
  await controlPlane.kubectl(['delete', 'deployment', ...now]);
  await controlPlane.kubectl(['delete', 'pod', ...now, '--grace-period=0', '--force']);
}
