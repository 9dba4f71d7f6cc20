import {
  runsOtherwise,
  type ExplainedChange,
  type ExplainedException,
  type ExplainedRule,
  type ExplainedSkip,
  type ExplainedViolation,
  type Explanation,
} from './explain.js';
import { visible, wrapText } from './wrapText.js';

/** In characters: as wide as a terminal beside an editor, and as a comment in a review. */
export const WIDTH = 100;

/** The column in which texts begin, under the labels on their left. */
const COLUMN = 16;

/** What a terminal shows of explanations: no line longer than `WIDTH`. */
export function explainText(explanations: readonly Explanation[], colour: boolean): string {
  const paint = colour ? painted : plain;
  return explanations.map((explanation) => objectText(explanation, paint)).join('\n');
}

type Style = 'bold' | 'red' | 'yellow' | 'green';
type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, number>> = { bold: 1, red: 31, yellow: 33, green: 32 };
const RISKS = { low: 'green', medium: 'yellow', high: 'red' } as const;

const plain: Paint = (_style, text) => text;
const painted: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;

function objectText(explanation: Explanation, paint: Paint): string {
  const { source, kind, namespace, name, policy, mode, outcome, notice, comparedWith } = explanation;
  const { podSecurity, rules, warnings } = explanation;
  const lines = wrapText(`${source} ${kind} ${namespace}/${name}`, WIDTH).map((line) => paint('bold', line));
  lines.push(...labelled('policy', `${policy}, mode ${mode}`));
  lines.push(...labelled('outcome', notice === null ? outcome : `${outcome}: ${notice}`));
  if (comparedWith !== null)
    lines.push(...labelled('compared', `value before: ${comparedWith}; value after: what the cluster has`));
  if (podSecurity) {
    const { version, before, after, blockers } = podSecurity;
    lines.push(...labelled('pod security', `${before} → ${after} (${version})`));
    for (const { message, fields } of blockers) {
      const where = fields.map(({ field }) => field).join(', ');
      lines.push(...labelled('blocked by', `${message}: ${where}`));
    }
  }
  for (const warning of warnings) lines.push(...labelled('warning', warning));
  for (const rule of rules) lines.push('', ...ruleText(rule, paint));
  return lines.map((line) => `${line}\n`).join('');
}

function ruleText(rule: ExplainedRule, paint: Paint): string[] {
  const { changes, violations, skips } = rule;
  const isIdle = changes.length + violations.length + skips.length === 0;
  const lines = wrapText(`${rule.rule}: ${rule.title}`, WIDTH);
  lines[0] = (lines[0] ?? '').replace(rule.rule, (id) => paint('bold', id));
  for (const group of byReason(changes)) lines.push(...changeText(group, paint));
  for (const violation of violations) lines.push(...violationText(violation, paint));
  for (const group of bySkip(skips)) lines.push(...skipText(group));
  if (isIdle && rule.action !== 'Disabled')
    lines.push(...labelled('unchanged', 'there is nothing here that it would set or report'));
  return [...lines, ...labelled('in force', inForce(rule)), ...optOutText(rule)];
}

/** A rule's fields, one line each where it is wide enough, then why. */
function changeText(changes: readonly ExplainedChange[], paint: Paint): string[] {
  const [first] = changes;
  if (!first) return [];
  const lines = grouped(changes, ({ container }) => JSON.stringify(container)).flatMap((own) => [
    ...wrapText(named(own[0]?.container ?? null), WIDTH - 2).map((line) => `  ${line}`),
    ...own.flatMap(fieldText),
  ]);
  const [why = '', ...rest] = labelled('why', `${first.risk} risk. ${first.reason}`);
  const risk = `${first.risk} risk`;
  return [...lines, why.replace(risk, (text) => paint(RISKS[first.risk], text)), ...rest];
}

const FIELD_INDENT = 4;

function fieldText(change: ExplainedChange): string[] {
  const { field, line, before, after, running } = change;
  const value = (given: unknown, none: string): string => (given === null ? none : JSON.stringify(given));
  const otherwise = runsOtherwise(change) ? `; the cluster has ${value(running, 'it unset')}` : '';
  const text = visible(
    (field.endsWith('[]')
      ? `added ${value(after, '')}`
      : `${value(before, 'unset')} → ${value(after, 'taken out')}`) + otherwise,
  );
  const place = visible(`${at(line)}${field}`);
  const room = WIDTH - FIELD_INDENT;
  const lines =
    place.length + 2 + text.length <= room
      ? [`${place}  ${text}`]
      : [...wrapText(place, room), ...wrapText(text, room - 2).map((part) => `  ${part}`)];
  return lines.map((part) => `${' '.repeat(FIELD_INDENT)}${part}`);
}

function violationText(
  { denied, container, field, value, line, fix }: ExplainedViolation,
  paint: Paint,
): string[] {
  const label = denied ? 'denied' : 'violation';
  const is = value === null ? 'is unset' : `is ${JSON.stringify(value)}`;
  const where = container === null ? '' : ` (${named(container)})`;
  const [first = '', ...rest] = labelled(label, `${at(line)}${field} ${is}${where}`);
  return [
    first.replace(label, (text) => paint(denied ? 'red' : 'yellow', text)),
    ...rest,
    ...labelled('lift it', fix),
  ];
}

function skipText(skips: readonly ExplainedSkip[]): string[] {
  const [first] = skips;
  if (!first) return [];
  const { code, reason, remedy, exceptions } = first;
  const names = skips.map(({ container }) => named(container));
  return [
    ...labelled('left alone', `${names.join(', ')}: ${code}: ${reason}`),
    ...exceptions.flatMap((exception) => labelled('exception', exceptionText(exception))),
    ...labelled('what to do', remedy),
  ];
}

function exceptionText({ name, reason, expires, place }: ExplainedException): string {
  const until = expires === null ? 'without an end' : `valid through ${expires}, UTC`;
  return `${name}, ${until}${place === null ? '' : ` (${place})`}: ${reason}`;
}

function named(container: string | null): string {
  return container === null ? 'the pod' : `container "${container}"`;
}

function inForce({ action, setBy }: ExplainedRule): string {
  const { label, policy, field, place, isLeftOut } = setBy;
  const line = isLeftOut
    ? `policy ${policy} leaves ${field} out: as in the built-in default`
    : `${place ?? `built-in policy ${policy}`}: ${field}`;
  if (label === null) return `${action}, ${line}`;
  return label.endsWith('=warn')
    ? `Warn, label ${label} of the namespace, over ${line}`
    : `off, label ${label} of the namespace; without it ${action}, ${line}`;
}

function optOutText({ action, optOut, setBy, changes, skips, violations }: ExplainedRule): string[] {
  const { command, isForbidden, place, undo } = optOut;
  if (action === 'Disabled') return [];
  const lines: string[] = [];
  if (isForbidden)
    lines.push(
      ...labelled(
        'opt out',
        `no opt-out: policy ${setBy.policy} forbids it${place === null ? '' : ` (${place})`}`,
      ),
    );
  // A violation says it already, and what is left alone needs none.
  else if (command !== null && (changes.length > 0 || violations.length + skips.length === 0))
    lines.push(...labelled('opt out', command));
  if (undo !== null) lines.push(...labelled('undo label', undo));
  return lines;
}

/** Text under a label on its left, as wide as `WIDTH`. */
export function labelled(label: string, text: string): string[] {
  return wrapText(text, WIDTH - COLUMN).map((line, index) =>
    `  ${(index === 0 ? label : '').padEnd(COLUMN - 2)}${line}`.trimEnd(),
  );
}

function at(line: number | null): string {
  return line === null ? '' : `line ${line}: `;
}

/** Changes that share their reason and risk are told together. */
function byReason(changes: readonly ExplainedChange[]): ExplainedChange[][] {
  return grouped(changes, ({ reason, risk }) => JSON.stringify([risk, reason]));
}

function bySkip(skips: readonly ExplainedSkip[]): ExplainedSkip[][] {
  return grouped(skips, ({ code, reason, exceptions }) => JSON.stringify([code, reason, exceptions]));
}

function grouped<T>(list: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const known = groups.get(key);
    if (known) known.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}
