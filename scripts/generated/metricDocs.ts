import { Metrics } from '../../src/telemetry/metrics.js';
import type { GeneratedFile } from './generatedFile.js';
import { code, prose, table } from './markdown.js';

/** docs/reference/metrics.md: every metric that /metrics shows, from the definitions themselves. */
export const metricDocFiles: readonly GeneratedFile[] = [
  { path: 'docs/reference/metrics.md', content: page },
];

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: string;
  readonly help: string;
}

function page(): string {
  const { families, histograms } = new Metrics({ version: 'docs' });
  const rows: Row[] = [
    ...families.map((family) => ({
      name: family.name,
      type: family.type,
      labels: family.labelNames.map((label) => labelText(label, family.values())).join('<br>'),
      help: family.help,
    })),
    ...histograms.map(({ name, help, bounds }) => ({
      name,
      type: 'histogram',
      labels: `${code('le')}: ${bounds.join(', ')}, +Inf`,
      help,
    })),
  ];
  rows.sort((one, other) => (one.name < other.name ? -1 : 1));
  return `<!-- generated from src/telemetry/metrics.ts -->

# Metrics

What \`GET /metrics\` of the ops listener shows, in Prometheus' text format, beside Node.js' own metrics (\`nodejs_*\`,
\`process_*\`). Times are in seconds, sizes in bytes. The values of every label come from fixed lists, but for the names of
policies. What is worth an alarm, and what to do then, is in [alerts.yaml](../../manifests/components/monitoring/alerts.yaml);
how to read them in [operations](../operations.md).

${table(
  ['metric', 'type', 'labels', 'meaning'],
  rows.map(({ name, type, labels, help }) => [code(name), type, labels, prose(help)]),
)}
`;
}

/** A label, with its values where they are known before anything has happened; of rules there is a list elsewhere. */
function labelText(
  label: string,
  series: readonly { readonly labels: Readonly<Record<string, string>> }[],
): string {
  if (label === 'rule') return `${code(label)}: a [rule's id](../rules/README.md)`;
  const values = [...new Set(series.map(({ labels }) => labels[label] ?? ''))];
  return values.length > 1 ? `${code(label)}: ${values.map(code).join(', ')}` : code(label);
}
