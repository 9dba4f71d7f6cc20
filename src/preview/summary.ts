import { containersBehind, knowledgeLine } from './imageKnowledge.js';
import { objectName } from './notes.js';
import type { PreviewChange, PreviewResult } from './result.js';
import { visible } from './wrapText.js';

/** One short table for each object: what it reaches, what is set, what is violated, what is left alone and why. */
export function summary(results: readonly PreviewResult[], colour: boolean): string {
  return results.map((result) => objectSummary(result, colour)).join('\n');
}

function objectSummary(result: PreviewResult, colour: boolean): string {
  const { policy, mode, outcome, because, podSecurity } = result;
  const head = visible(`${objectName(result)}  (policy ${policy}, ${mode})`);
  const rows: [label: string, text: string][] = [];
  if (podSecurity) rows.push(['pod security', `${podSecurity.before} → ${podSecurity.after}`]);
  rows.push(['outcome', because === null ? outcome : `${outcome}: ${because}`]);
  rows.push(...table('fields', changeRows(result.changes)));
  rows.push(
    ...table(
      'images',
      containersBehind(result.changes, result.containers).map(
        (container) => `"${container.name}": ${knowledgeLine(container)}`,
      ),
    ),
  );
  rows.push(
    ...table(
      'violations',
      result.violations.map(({ rule, field, value, denied }) => {
        const is = value === null ? 'is unset' : `is ${JSON.stringify(value)}`;
        return `${rule}: ${field} ${is}${denied ? ' (denied)' : ''}`;
      }),
    ),
  );
  rows.push(
    ...table(
      'skipped',
      result.skips.map(({ rule, container, code, reason }) => `${rule}${on(container)}: ${code}: ${reason}`),
    ),
  );
  rows.push(
    ...table(
      'blockers',
      (podSecurity?.blockers ?? []).map(({ message }) => message),
    ),
  );
  rows.push(...table('warnings', mode === 'disabled' ? [] : result.warnings));
  const lines = rows.map(([label, text]) => `  ${label.padEnd(13)} ${visible(text)}\n`);
  return `${colour ? `\u001b[1m${head}\u001b[0m` : head}\n${lines.join('')}`;
}

/** The first line carries the label and the number, the others are under it. */
function table(label: string, texts: readonly string[]): [string, string][] {
  if (texts.length === 0) return [];
  return texts.map((text, index) => [index === 0 ? label : '', text]);
}

/** One line a rule and risk: how many fields, where, and how risky. */
function changeRows(changes: readonly PreviewChange[]): string[] {
  const groups = new Map<string, PreviewChange[]>();
  for (const change of changes) {
    const key = `${change.rule} ${change.risk}`;
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return [...groups.values()].map((own) => {
    const containers = [...new Set(own.map(({ container }) => container))];
    const where = containers
      .map((container) => (container === null ? 'the pod' : `"${container}"`))
      .join(', ');
    return `${own[0]?.rule ?? ''}: ${own.length} on ${where} (${own[0]?.risk ?? ''} risk)`;
  });
}

function on(container: string | null): string {
  return container === null ? '' : ` on "${container}"`;
}
