import type { RuleId } from '../../../../src/hardening/rule.js';
import { chosenPrograms } from '../programChoice.js';
import type { Combination } from './combination.js';
import { healthy } from './healthyCombinations.js';
import { otherCombinations } from './otherCombinations.js';
import { memoryAlone, naively, profileWithout, ruleAlone } from './programCombinations.js';
import { ruleCombinations } from './ruleCombinations.js';

/** Of the programs that a run takes, and of the client, which is there in all of them: all but the naive ones. */
export function combinations(programs = chosenPrograms()): Combination[] {
  const here = new Set(['client', ...programs.map(({ id }) => id)]);
  const all = [
    ...programs.flatMap((program) => [
      ...ruleAlone(program),
      memoryAlone(program),
      ...profileWithout(program),
      healthy(program),
    ]),
    ...ruleCombinations(),
    ...otherCombinations(),
  ];
  return all.filter(({ program }) => here.has(program));
}

/**
 * The naive ones: with several rules at once, any that breaks the program alone breaks it there.
 *
 * @param broken the combinations of `combinations` that broke
 */
export function naiveCombinations(broken: readonly Combination[]): Combination[] {
  return chosenPrograms().map((program) => {
    const alone = broken.filter((each) => each.group === 'alone' && each.program === program.id);
    return naively(program, [...new Set<RuleId>(alone.flatMap(({ expected }) => expected))]);
  });
}
