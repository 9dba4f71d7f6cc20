import type { ProgramResult, Result, Results } from '../../test/e2e/node/results.js';

/** When a program wrote a line is of no interest, and differs from run to run. */
const TIME = String.raw`\d{4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2})\b)?`;
const TIMES = [
  /^\d+:[A-Z] \d{1,2} \w{3} \d{4} [\d:.]+ [#*-] /,
  new RegExp(String.raw`\b(?:ts|time)="?${TIME}"?\s*`, 'g'),
  new RegExp(String.raw`\[?\b${TIME}\]?\s*`, 'g'),
];
/** Characters of a quote; the run's own logs have the rest. */
const QUOTE_LENGTH = 200;

/** docs/programs.md, of the results of a run on a node. */
export function programsPage({ kubelet, containerRuntime, programs }: Results): string {
  const runtime = containerRuntime.replace('://', ' ');
  return `# What hardening does to real programs

<!-- Written by npm run harm. -->

Each program ran three times on a real node (kubelet ${kubelet}, ${runtime}), from Debian's build of it in an image laid
out as the well-known one is. A client wrote and read through the program's own protocol, the program was killed, and
once it was started again on the same volumes the client read again.

- **as it is**: the pod as its users write it.
- **naive**: what most guides advise for every container alike: \`runAsNonRoot\`, \`runAsUser: 65532\`, no privilege
  escalation, all capabilities dropped, a read-only root file system with an emptyDir at /tmp, the seccomp profile
  \`RuntimeDefault\`.
- **kube-harden**: what the webhook made of the pod as it is, under the built-in policy \`default\`. Where an image needs
  something that a rule takes away, a profile of it in a policy says so; then that rule alone is skipped.

${bottomLine(programs)}

| program | version | as it is | naive | kube-harden | how naive failed |
|---|---|---|---|---|---|
${programs.map(row).join('\n')}
`;
}

/** What docs/programs.md comes to; README has the same line. */
function bottomLine(programs: readonly ProgramResult[]): string {
  const running = programs.filter(({ asIs }) => asIs === null);
  const broken = (of: (program: ProgramResult) => Result): number =>
    running.filter((program) => of(program) !== null).length;
  const naive = broken((program) => program.naive);
  const ours = broken((program) => program.hardened);
  return `**Of ${running.length} programs that run as they are, naive hardening breaks ${naive}, kube-harden ${ours}.**`;
}

/** README with the bottom line of the page in the place of its own. */
export function withBottomLine(readme: string, page: string): string {
  const line = BOTTOM_LINE.exec(page)?.[0] ?? '';
  return readme.replace(BOTTOM_LINE, () => line);
}

export const BOTTOM_LINE = /^\*\*Of \d+ programs that run as they are, .*\*\*/m;

function row({ id, version, needs, asIs, naive, hardened }: ProgramResult): string {
  const ours = needs.length === 0 ? word(hardened) : `${word(hardened)}; needs ${needs.join(', ')}`;
  const cells = [id, version, word(asIs), word(naive), ours, naive === null ? '' : quoted(naive.quote)];
  return `| ${cells.join(' | ')} |`;
}

function word(result: Result): string {
  return result === null ? 'works' : `**fails** (${result.step})`;
}

/** As code in a cell of a table: no line ends, no bars, no backticks. */
function quoted(message: string): string {
  const text = TIMES.reduce((rest, time) => rest.replace(time, ''), message)
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('`', "'")
    .trim();
  return `\`${text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}...` : text}\``;
}
