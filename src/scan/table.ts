import type { NamespaceReport, ScanReport } from './report.js';
import { amountsLine, blockersOf, countOf, levelsOf, modeOf, rowsOf, totalLines } from './rows.js';

const HEAD = ['WORKLOAD', 'PODS', 'POD SECURITY', 'HIGH', 'MEDIUM', 'LOW', 'VIOLATIONS'];
/** Columns of numbers stand to the right. */
const NUMBERS = new Set([1, 3, 4, 5, 6]);

/** One table a namespace, and below it what follows from it; then what is to be said of all. */
export function scanTable(report: ScanReport, colour: boolean): string {
  const tables = report.namespaces
    .filter(({ workloads }) => workloads.length > 0)
    .map((namespace) => namespaceTable(namespace, colour));
  return [...tables, totalLines(report).join('\n') + '\n'].join('\n');
}

function namespaceTable(namespace: NamespaceReport, colour: boolean): string {
  const { name, policy, workloads, against, added, quotas, verdict } = namespace;
  const head = `namespace ${name}  (now: ${modeOf(namespace)}; policy ${policy})`;
  const rows = workloads
    .flatMap(rowsOf)
    .map(({ label, pods, result }) => [
      label,
      pods === undefined ? '' : String(pods),
      levelsOf(result),
      ...(['high', 'medium', 'low'] as const).map((risk) => String(countOf(result, risk))),
      String(result.violations.length),
    ]);
  const more = amountsLine(added);
  const lines = [
    ...columns([HEAD, ...rows]),
    `enforce today: ${verdict === 'enforced' ? 'it is' : verdict === 'ready' ? 'yes' : 'not yet'}`,
    ...against.map(({ kind, message }) => `  ${kind}: ${message}`),
    ...blockersOf(namespace).map(([message, labels]) => `blocked: ${message}: ${shortList(labels)}`),
    ...(more === '' ? [] : [`would be added: ${more}`]),
    ...quotas.map(
      (row) =>
        `quota ${row.quota}: ${row.resource}: ${row.hard} hard, ${row.used} in use, ${row.added} would be added${row.exceeded ? ': too much' : ''}`,
    ),
    ...namespace.notices.map((notice) => `warning: ${notice}`),
  ];
  return `${colour ? `\u001b[1m${head}\u001b[0m` : head}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, index) =>
        NUMBERS.has(index) ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** A blocker of a hundred workloads is told with the first few of them. */
const SHOWN = 5;

function shortList(labels: readonly string[]): string {
  const shown = labels.slice(0, SHOWN).join(', ');
  return labels.length <= SHOWN ? shown : `${shown} and ${labels.length - SHOWN} more`;
}
