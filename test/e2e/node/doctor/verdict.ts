import type { RuleId } from '../../../../src/hardening/rule.js';
import type { Finding } from '../../../../src/doctor/finding.js';
import type { ReportedDiagnosis, ReportedFinding } from '../../../../src/doctor/report.js';
import type { BrokenWorkload, Combination } from './combination.js';
import type { DoctorAnswer } from './askDoctor.js';

/** What the doctor said of a broken workload, beside what is right. */
export interface Verdict {
  readonly id: string;
  readonly group: Combination['group'];
  readonly title: string;
  /** What went wrong. */
  readonly quote: string;
  /** Any of these is right; none where hardening is not the cause. */
  readonly expected: readonly RuleId[];
  /** The first that is named as `certain` or `likely`. */
  readonly named: RuleId | undefined;
  readonly certainty?: Finding['certainty'];
  /** The line by which it was known. */
  readonly evidence?: string;
  readonly right: boolean;
  /** Why it is not right, for whoever mends it. */
  readonly problem?: string;
}

/**
 * Right is: the first finding that is at least likely names a rule that breaks the workload, and none names a rule that
 * was not applied. Where hardening is not the cause: no finding at all, the state `broken`, a reason, exit
 * code 0. Where nothing is broken: none of these but the exit code.
 */
export function verdictOf(
  { id, group, title, expected }: Combination,
  { quote }: BrokenWorkload,
  { code, diagnoses }: DoctorAnswer,
  applied: ReadonlySet<RuleId>,
): Verdict {
  const sure = diagnoses
    .flatMap(({ findings }) => findings)
    .filter(({ certainty }) => certainty !== 'possible');
  const [first] = sure;
  const isBroken = diagnoses.some(({ state }) => state === 'broken');
  const problems = expected.length > 0 ? blamedWrongly(expected, sure, applied) : blamed(diagnoses);
  if (group === 'healthy') {
    if (isBroken) problems.push('says that it is broken');
  } else {
    if (!isBroken) problems.push('says that nothing is broken');
    if (expected.length === 0 && !diagnoses.some(({ notHardening }) => notHardening !== undefined))
      problems.push('does not say that hardening is not the cause');
  }
  if (code !== (expected.length > 0 ? 1 : 0)) problems.push(`exits with ${code}`);
  return {
    id,
    group,
    title,
    quote,
    expected,
    named: first?.rule,
    ...(first && { certainty: first.certainty }),
    ...(first?.evidence[0] && { evidence: first.evidence[0].text }),
    right: problems.length === 0,
    ...(problems.length > 0 && { problem: problems.join('; ') }),
  };
}

function blamedWrongly(
  expected: readonly RuleId[],
  [first, ...others]: readonly ReportedFinding[],
  applied: ReadonlySet<RuleId>,
): string[] {
  if (first === undefined) return ['names no rule'];
  if (first.rule === undefined || !expected.includes(first.rule)) return [`names ${nameOf(first)}`];
  const strangers = others.filter(({ rule }) => rule === undefined || !applied.has(rule)).map(nameOf);
  return [...new Set(strangers)].map((name) => `also names ${name}, which was not applied`);
}

function blamed(diagnoses: readonly ReportedDiagnosis[]): string[] {
  const findings = diagnoses.flatMap((diagnosis) => diagnosis.findings);
  return [...new Set(findings.map((finding) => `names ${nameOf(finding)} as ${finding.certainty}`))];
}

/** The rule or, where the set-up of hardening is said to be the cause, what it is known by. */
function nameOf({ rule, signature }: ReportedFinding): string {
  return rule ?? signature;
}
