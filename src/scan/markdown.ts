import type { NamespaceReport, ScanReport } from './report.js';
import { amountsLine, levelsOf, modeOf, rowsOf, rulesOf, totalLines } from './rows.js';

/** A page for a wiki or a pull request: one section a namespace, with the rules that would change something by risk. */
export function scanMarkdown(report: ScanReport): string {
  return (
    [
      '# What kube-harden would change',
      `Cluster ${code(report.server)}, judged by the Pod Security Standards ${report.podSecurityVersion}.`,
      list(totalLines(report)),
      ...(report.missing.length === 0
        ? []
        : ['**Partial: this could not be read or judged.**', list(report.missing)]),
      ...report.namespaces.filter(({ workloads }) => workloads.length > 0).map(section),
    ].join('\n\n') + '\n'
  );
}

function section(namespace: NamespaceReport): string {
  const { name, policy, verdict, against, added, quotas, notices } = namespace;
  const more = amountsLine(added);
  const facts = [
    `Now: ${modeOf(namespace)}; policy ${policy}`,
    `Enforce today: ${verdict === 'enforced' ? 'it is' : verdict === 'ready' ? 'yes' : 'not yet'}`,
    ...against.map(({ kind, message }) => `Against it, ${kind}: ${message}`),
    ...(more === '' ? [] : [`Would be added: ${more}`]),
    ...quotas.map(
      (row) =>
        `Quota ${row.quota}, ${row.resource}: ${row.hard} hard, ${row.used} in use, ${row.added} would be added${row.exceeded ? ': too much' : ''}`,
    ),
    ...notices.map((notice) => `Warning: ${notice}`),
  ];
  return [`## ${escaped(name)}`, list(facts), table(namespace)].join('\n\n');
}

const HEAD = [
  'Workload',
  'Pods',
  'Pod Security',
  'High risk',
  'Medium risk',
  'Low risk',
  'Violations',
  'Blocked by',
];

function table({ workloads }: NamespaceReport): string {
  const rows = workloads
    .flatMap(rowsOf)
    .map(({ label, pods, result }) => [
      code(label),
      pods === undefined ? '' : String(pods),
      levelsOf(result),
      ...(['high', 'medium', 'low'] as const).map((risk) => rulesOf(result, risk)),
      [...new Set(result.violations.map(({ rule, denied }) => (denied ? `${rule} (denied)` : rule)))].join(
        ', ',
      ),
      (result.podSecurity?.blockers ?? []).map(({ message }) => escaped(message)).join('; '),
    ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${escaped(line)}`).join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

/** Names and values of pods' authors shall be shown, and not be read as Markdown or HTML. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#&]/g, '\\$&').replaceAll(/\s+/g, ' ');
}
