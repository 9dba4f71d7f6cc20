import { confusionMatrix } from './confusion.js';
import type { Verdict } from './verdict.js';

export interface Matrix {
  readonly verdicts: readonly Verdict[];
  /** Combinations that were made, those that did not break included. */
  readonly tried: number;
  readonly kubelet: string;
  /** `containerd://1.6.20`. */
  readonly runtime: string;
  readonly on: Date;
}

const QUOTE_LENGTH = 160;

/** docs/doctor-matrix.md. */
export function doctorPage({ verdicts, tried, kubelet, runtime, on }: Matrix): string {
  const healthy = verdicts.filter(({ group }) => group === 'healthy');
  const broken = verdicts.filter(({ group }) => group !== 'healthy');
  const caused = broken.filter(({ expected }) => expected.length > 0);
  const others = broken.filter(({ expected }) => expected.length === 0);
  return `# How often the doctor is right

<!-- Written by make doctor-matrix. -->

Measured on ${on.toISOString().slice(0, 10)} on a real node (kubelet ${kubelet}, ${runtime.replace('://', ' ')}): ${tried} workloads, most of
them a program and what hardening takes away from it. ${broken.length} of them broke; \`kube-harden doctor\` was asked of each of these${
    healthy.length === 0
      ? ''
      : `,
and of ${healthy.length} that serve hardened`
  }.

- Broken by hardening: **${rightOf(caused)}** named right.
- Broken by something else: **${rightOf(others)}** blamed on nothing.
${healthy.length === 0 ? '' : `- Not broken: **${rightOf(healthy)}** blamed on nothing.\n`}
Right is the first rule that it names as \`certain\` or \`likely\`, if it is one that breaks the workload when it is applied alone. No
rule that was not applied may be named so. What fails by something else runs under the built-in policy \`default\`, and there no
rule may be named at all.

## Cause and what was named

${confusionMatrix(verdicts)}

## Each combination

| what was done | what it said | named | by the line |
|---|---|---|---|
${[...verdicts]
  .sort((one, other) => one.id.localeCompare(other.id))
  .map(row)
  .join('\n')}
`;
}

function rightOf(verdicts: readonly Verdict[]): string {
  return `${verdicts.filter(({ right }) => right).length} of ${verdicts.length}`;
}

function row({ title, quote, named, certainty, evidence = '', problem }: Verdict): string {
  const word = named === undefined ? 'none' : `${named}, ${certainty ?? ''}`;
  const cells = [
    title.replaceAll('|', String.raw`\|`),
    code(quote),
    problem === undefined ? word : `**wrong**: ${problem}`,
    code(evidence),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** On one line, in a cell of a table. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length > QUOTE_LENGTH ? `${line.slice(0, QUOTE_LENGTH)}...` : line;
  return short === '' ? '' : `\`${short.replaceAll('`', "'").replaceAll('|', String.raw`\|`)}\``;
}
