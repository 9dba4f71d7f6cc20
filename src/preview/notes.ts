import { ruleIds, type Risk } from '../hardening/rule.js';
import { containersBehind, knowledgeLine } from './imageKnowledge.js';
import type { Preview } from './preview.js';
import type { PreviewResult } from './result.js';
import { visible } from './wrapText.js';

/**
 * What a diff cannot show: the mode, why nothing happens, violations, and what is wrong with labels and exceptions; one
 * block of lines for each object that has any.
 */
export function notes(previews: readonly Preview[]): string[] {
  return blocks(previews, (preview) => [
    ...ignoredLines(preview),
    ...webhookLines(preview),
    ...problemLines(preview),
  ]);
}

/** The same, and how risky the changes are: for a diff, which shows none of that. */
export function diffNotes(previews: readonly Preview[]): string[] {
  return blocks(previews, (preview) => [
    ...ignoredLines(preview),
    ...webhookLines(preview),
    ...riskLines(preview),
    ...problemLines(preview),
  ]);
}

/** The same for a file into which the fields are written: what the webhook would do without them matters no more. */
export function fixNotes(previews: readonly Preview[]): string[] {
  return blocks(previews, (preview) => [...ignoredLines(preview), ...problemLines(preview)]);
}

function blocks(previews: readonly Preview[], linesOf: (preview: Preview) => readonly string[]): string[] {
  return previews.flatMap((preview) => {
    const lines = linesOf(preview);
    const all = [`${objectName(preview.result)}:`, ...lines.map((line) => `  ${line}`)];
    // A line break in a name would end the comment that a note is in an answer.
    return lines.length === 0 ? [] : all.map(visible);
  });
}

function ignoredLines({ result: { because, podSecurity } }: Preview): string[] {
  return because !== null && podSecurity ? [`ignored: ${because}`] : [];
}

/** What the webhook does not do of what the diff shows. */
function webhookLines({ result: { mode, policy, outcome, changes } }: Preview): string[] {
  if (changes.length === 0) return [];
  if (mode === 'audit')
    return [`audit: the webhook changes nothing here; this is what enforce would write (policy ${policy})`];
  if (outcome !== 'reported') return [];
  return [
    `templates: Warn: the webhook leaves the template as it is, and hardens its pods (policy ${policy})`,
  ];
}

const RISKS = ['high', 'medium', 'low'] as const satisfies readonly Risk[];

function riskLines({ result: { changes, containers } }: Preview): string[] {
  if (changes.length === 0) return [];
  const risks = RISKS.flatMap((risk) => {
    const rules = ruleIds(changes.filter((change) => change.risk === risk));
    return rules.length === 0 ? [] : [`${risk}: ${rules.join(', ')}`];
  });
  return [
    `risk: ${risks.join('; ')}`,
    ...containersBehind(changes, containers).map(
      (container) => `container "${container.name}": ${knowledgeLine(container)}`,
    ),
  ];
}

function problemLines({ result, notices }: Preview): string[] {
  const lines = result.violations.map(({ rule, field, value, container, denied, fix }) => {
    const where = container === null ? '' : ` on container "${container}"`;
    const is = value === null ? 'is unset' : `is ${JSON.stringify(value)}`;
    return `${denied ? 'denied' : 'violation'}: ${rule}${where}: ${field} ${is}; ${fix}`;
  });
  return [...lines, ...notices.map((notice) => `warning: ${notice}`)];
}

/** @example `web.yaml#0 Deployment shop/web` */
export function objectName({ source, kind, namespace, name }: PreviewResult): string {
  return `${source} ${kind} ${namespace}/${name}`;
}
