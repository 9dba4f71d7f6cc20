import { RULE_IDS, type RuleId } from '../../../../src/hardening/rule.js';
import type { Verdict } from './verdict.js';

/** Where hardening is not the cause, or no rule is named. */
const NONE = 'none';
type Name = RuleId | typeof NONE;

/** The row of a verdict: the rule that it was named by, where that is right, else the first of those that are. */
function expectedName({ expected, named }: Verdict): Name {
  const isRight = named !== undefined && expected.includes(named);
  return (isRight ? named : expected[0]) ?? NONE;
}

/** A table in Markdown: what breaks the workloads by row, what the doctor named by column, how many in each field. */
export function confusionMatrix(verdicts: readonly Verdict[]): string {
  const names: Name[] = [...RULE_IDS, NONE];
  const rows = names.filter((name) => verdicts.some((verdict) => expectedName(verdict) === name));
  const columns = names.filter(
    (name) => rows.includes(name) || verdicts.some(({ named = NONE }) => named === name),
  );
  const count = (row: Name, column: Name): string => {
    const found = verdicts.filter(
      (verdict) => expectedName(verdict) === row && (verdict.named ?? NONE) === column,
    ).length;
    return found === 0 ? '' : String(found);
  };
  return [
    line(['cause \\ named', ...columns]),
    line(['---', ...columns.map(() => '--:')]),
    ...rows.map((row) => line([row, ...columns.map((column) => count(row, column))])),
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
