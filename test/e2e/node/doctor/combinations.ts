import type { RuleId } from '../../../../src/hardening/rule.js';
import { chosenPrograms } from '../programChoice.js';
import type { Combination } from './combination.js';
import { otherCombinations } from './otherCombinations.js';
import { memoryAlone, naively, profileWithout, ruleAlone } from './programCombinations.js';
import { ruleCombinations } from './ruleCombinations.js';

/** Every combination of the programs that a run takes, and of the client, which is there in all of them; not the naive ones. */
export function combinations(): Combination[] {
  const programs = chosenPrograms();
  const here = new Set(['client', ...programs.map(({ id }) => id)]);
  const all = [
    ...programs.flatMap((program) => [
      ...ruleAlone(program),
      memoryAlone(program),
      ...profileWithout(program),
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
