import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportedDiagnosis } from '../../../../src/doctor/report.js';
import { applyPolicy } from '../../support/hardeningPolicies.js';
import { pause } from '../../support/wait.js';
import { makeNamespace, world } from '../../support/world.js';
import { appliedRules } from './appliedRules.js';
import { askDoctor, type DoctorAnswer } from './askDoctor.js';
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
    const answer = await askUntilDecided(namespace, broken.target);
    const verdict = verdictOf(combination, broken, answer, appliedRules(combination));
    if (!verdict.right) world().controlPlane.folder.write(`logs/doctor-${id}.txt`, answer.text);
    return verdict;
  } finally {
    await removeAll(namespace);
  }
}

const ATTEMPTS = 3;

/**
 * Containers restart every second here: the kubelet may remove a log just when it is asked for. Then the doctor says
 * neither that hardening is the cause nor that it is not, and is asked again, as anybody would.
 */
async function askUntilDecided(namespace: string, target: string): Promise<DoctorAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await askDoctor(namespace, target);
    if (attempt === ATTEMPTS || !answer.diagnoses.some(isUndecided)) return answer;
    await pause(1000);
  }
}

function isUndecided({ state, findings, notHardening }: ReportedDiagnosis): boolean {
  return state === 'broken' && findings.length === 0 && notHardening === undefined;
}

/** What the doctor reads, into the folder that E2E_DOCTOR_RECORD names: for tests of the engine alone. */
async function record(
  { id, group, title, expected, policy }: Combination,
  namespace: string,
  broken: BrokenWorkload,
): Promise<void> {
  const folder = process.env['E2E_DOCTOR_RECORD'];
  if (folder === undefined || folder === '' || broken.pod === undefined) return;
  const facts = await recordFacts(namespace, { ...broken, pod: broken.pod });
  const recorded = {
    title,
    quote: broken.quote,
    expected: { rules: expected, state: group === 'healthy' ? 'healthy' : 'broken' },
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
