import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { eachOf } from '../../support/podRequests.js';
import { world } from '../../support/world.js';
import { theNode } from '../theNode.js';
import type { Combination } from './combination.js';
import { combinations, naiveCombinations } from './combinations.js';
import { confusionMatrix } from './confusion.js';
import { doctorPage } from './doctorPage.js';
import { nodePressure } from './nodePressure.js';
import { runCombination } from './runCombination.js';
import type { Verdict } from './verdict.js';

/** Combinations at once: most of the time of each is waiting for the kubelet. */
const WIDTH = 3;

// make doctor-matrix: all of them, an hour on two processors; 60-doctor.test.ts takes a few of them in every run of CI.
describe('the doctor, of every combination', function () {
  this.timeout(7_200_000);
  const verdicts: Verdict[] = [];
  const broken: Combination[] = [];
  const failures: string[] = [];
  let tried = 0;

  async function runAll(all: readonly Combination[]): Promise<void> {
    const only = new RegExp(process.env['E2E_DOCTOR_ONLY'] ?? '');
    await eachOf(
      all.filter(({ id }) => only.test(id)),
      WIDTH,
      async (combination) => {
        tried += 1;
        let verdict: Verdict | undefined;
        try {
          verdict = await runCombination(combination);
        } catch (error) {
          // The others are of interest all the same.
          failures.push(`${combination.id}: ${String(error)}`);
          console.log(`      ${failures.at(-1) ?? ''}`);
          return;
        }
        if (verdict === undefined) {
          console.log(`      ${combination.id}: works`);
          return;
        }
        broken.push(combination);
        verdicts.push(verdict);
        console.log(`      ${combination.id}: ${verdict.problem ?? `${verdict.named ?? 'none'}, right`}`);
      },
    );
  }

  before(async () => {
    await runAll(combinations());
    await runAll(naiveCombinations(broken));
    await runAll([nodePressure]);
    console.log(`\n${confusionMatrix(verdicts)}\n`);
    const page = process.env['E2E_DOCTOR_PAGE'];
    if (page === undefined || page === '') return;
    const { body } = await world().controlPlane.api('GET', `/api/v1/nodes/${theNode().name}`);
    const { kubeletVersion: kubelet, containerRuntimeVersion: runtime } = body.status.nodeInfo;
    writeFileSync(page, doctorPage({ verdicts, tried, kubelet, runtime, on: new Date() }));
  });

  it('is asked of all of them', () => expect(failures).to.deep.equal([]));

  it('names a rule that breaks it, and blames none where hardening is not the cause', () => {
    const wrong = verdicts.filter(({ right }) => !right);
    expect(wrong.map(({ id, problem, quote }) => `${id}: ${problem ?? ''} (${quote})`)).to.deep.equal([]);
  });
});
