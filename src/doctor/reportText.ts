import { visible, wrapText } from '../preview/wrapText.js';
import type { Evidence, Remedy } from './finding.js';
import { folded, type DoctorReport, type FoldedDiagnosis, type ReportedFinding } from './report.js';

/** Of more objects than these only the smallest remedy is shown. */
const TOLD_WHOLE = 3;
/** In characters; what is to be pasted is never broken. */
const WIDTH = 100;

type Style = 'bold' | 'red' | 'yellow' | 'green' | 'faint';
type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, number>> = { bold: 1, faint: 2, red: 31, yellow: 33, green: 32 };
const CERTAINTIES = { certain: 'red', likely: 'red', possible: 'yellow' } as const;

const plain: Paint = (_style, text) => text;
const painted: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;

/** What a terminal shows of a report: what is blamed first, then what is broken for other reasons, then what was looked at. */
export function reportText(report: DoctorReport, colour: boolean): string {
  const paint = colour ? painted : plain;
  const all = folded(report.diagnoses);
  const blamed = all.filter(({ findings }) => findings.length > 0);
  const others = all.filter(({ findings, state }) => findings.length === 0 && state === 'broken');
  const parts = [
    ...blamed.map((diagnosis) => blamedText(diagnosis, paint, blamed.length > TOLD_WHOLE)),
    ...others.map((diagnosis) => otherText(diagnosis, paint)),
    [summary(report, blamed, others, paint)],
  ];
  return parts.map((lines) => lines.map((line) => `${line}\n`).join('')).join('\n');
}

function blamedText(diagnosis: FoldedDiagnosis, paint: Paint, isBrief: boolean): string[] {
  return [
    ...headLines(diagnosis, paint),
    ...diagnosis.findings.flatMap((finding) => findingText(finding, paint, isBrief)),
    ...missingLines(diagnosis),
  ];
}

function otherText(diagnosis: FoldedDiagnosis, paint: Paint): string[] {
  const { notHardening } = diagnosis;
  const why = notHardening?.why ?? 'nothing was found that hardening has done';
  return [
    ...headLines(diagnosis, paint),
    ...indented(`${paint('green', 'not hardening')}: ${visible(why)}`, 2),
    ...(notHardening?.evidence ?? []).flatMap(evidenceText),
    ...missingLines(diagnosis),
  ];
}

const NAMES_SHOWN = 3;

function headLines(diagnosis: FoldedDiagnosis, paint: Paint): string[] {
  const { namespace, object, owner, objects, symptom } = diagnosis;
  const name = object === `namespace/${namespace}` ? object : `${namespace}  ${object}`;
  const more = objects.length > 1 ? ` and ${objects.length - 1} more alike` : '';
  const of = owner === undefined ? '' : ` of ${owner}`;
  const what = symptom === undefined ? '' : `: ${symptom}`;
  const head = visible(`${name}${more}${of}${what}`);
  const [first = '', ...rest] = wrapText(head, WIDTH);
  const names = objects.slice(1, 1 + NAMES_SHOWN).join(', ');
  const others = objects.length - 1 - NAMES_SHOWN;
  const alike =
    objects.length > 1 ? [`  alike: ${visible(names)}${others > 0 ? ` and ${others} others` : ''}`] : [];
  return [paint('bold', first), ...rest.map((line) => `  ${line}`), ...alike];
}

function findingText(finding: ReportedFinding, paint: Paint, isBrief: boolean): string[] {
  const { certainty, field, cause, evidence, remedies } = finding;
  const shown = isBrief ? remedies.slice(0, 1) : remedies;
  const others = remedies.length - shown.length;
  return [
    ...indented(`${paint(CERTAINTIES[certainty], certainty)}: ${visible(cause)}`, 2),
    ...(field === undefined ? [] : indented(`field: ${field}`, 4)),
    ...evidence.flatMap(evidenceText),
    ...shown.flatMap((remedy) => remedyText(remedy, paint)),
    ...(others > 0
      ? indented(
          `${others} more ${others === 1 ? 'way' : 'ways'} to mend it: ask for it alone, or -o yaml`,
          4,
        )
      : []),
  ];
}

/** The line itself stays whole, so that it can be searched for. */
function evidenceText({ at, text }: Evidence): string[] {
  return [...indented(`${at}:`, 4), `      > ${visible(text)}`];
}

function remedyText({ what, paste }: Remedy, paint: Paint): string[] {
  return [
    ...indented(`${paint('green', 'mend')}: ${visible(what)}`, 4),
    ...paste
      .trimEnd()
      .split('\n')
      .map((line) => `        ${printable(line)}`),
  ];
}

/** Its indent is part of what is pasted. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

function missingLines({ missing }: FoldedDiagnosis): string[] {
  return missing.flatMap((line) => indented(`not read: ${line}`, 4));
}

/** Colours are no characters: a label that is painted stands in front, and what follows is broken as if it were longer. */
function indented(text: string, columns: number): string[] {
  const escape = '\u001b';
  const margin = ' '.repeat(columns);
  if (!text.includes(escape)) return wrapText(text, WIDTH - columns).map((line) => margin + line);
  const [, label = '', rest = ''] =
    new RegExp(`^(${escape}\\[\\d+m[^${escape}]*${escape}\\[0m)(.*)$`, 's').exec(text) ?? [];
  const bare = label.replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '');
  const [first = '', ...others] = wrapText(bare + rest, WIDTH - columns);
  return [margin + first.replace(bare, label), ...others.map((line) => margin + line)];
}

function summary(
  { target, lookedAt: { pods, logs, podsWithoutLogs } }: DoctorReport,
  blamed: readonly FoldedDiagnosis[],
  others: readonly FoldedDiagnosis[],
  paint: Paint,
): string {
  const objects = (list: readonly FoldedDiagnosis[]): number =>
    list.reduce((sum, each) => sum + each.objects.length, 0);
  const read = `${target}: ${counted(pods, 'pod')}, ${counted(logs, 'log')} read`;
  const left = podsWithoutLogs === 0 ? '' : `, the logs of ${counted(podsWithoutLogs, 'pod')} left out`;
  const found = [
    ...(blamed.length > 0 ? [`hardening has to do with ${counted(objects(blamed), 'object')}`] : []),
    ...(others.length > 0 ? [`${counted(objects(others), 'object')} broken for another reason`] : []),
  ];
  const verdict = found.length === 0 ? 'nothing is broken' : found.join('; ');
  return `${visible(`${read}${left}`)}. ${paint(blamed.length > 0 ? 'red' : 'green', sentence(verdict))}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
