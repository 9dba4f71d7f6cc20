import { expect } from 'chai';
import { eachOf } from '../support/podRequests.js';
import type { Combination } from './doctor/combination.js';
import { confusionMatrix } from './doctor/confusion.js';
import { fewCombinations } from './doctor/fewCombinations.js';
import { runCombination } from './doctor/runCombination.js';
import type { Verdict } from './doctor/verdict.js';

/** Combinations at once: most of the time of each is waiting for the kubelet. */
const WIDTH = 3;

// make doctor-matrix runs all combinations.
describe('the doctor, asked of what is broken', function () {
  this.timeout(900_000);
  const chosen = fewCombinations();
  const verdicts = new Map<string, Verdict | undefined>();

  before(async () => {
    await eachOf(chosen, WIDTH, async (combination) => {
      verdicts.set(combination.id, await runCombination(combination));
    });
    const all = [...verdicts.values()].filter((verdict) => verdict !== undefined);
    console.log(`\n${confusionMatrix(all)}\n`);
  });

  for (const combination of chosen) {
    it(sentence(combination), () => {
      const verdict = verdicts.get(combination.id);
      if (verdict === undefined) throw new Error('it did not break');
      const { problem, quote, evidence = '' } = verdict;
      expect(problem, `${quote}\n${evidence}`).to.equal(undefined);
    });
  }
});

function sentence({ title, expected }: Combination): string {
  return expected.length === 0 ? `blames nothing: ${title}` : `names ${expected.join(' or ')}: ${title}`;
}
