import type { Preview } from './preview.js';
import type { PreviewResult } from './result.js';

/**
 * What a diff cannot show: the mode, why nothing happens, violations, and what is wrong with labels and exceptions; one
 * block of lines for each object that has any.
 */
export function notes(previews: readonly Preview[]): string[] {
  return previews.flatMap((preview) => {
    const lines = noteLines(preview);
    return lines.length === 0 ? [] : [`${objectName(preview.result)}:`, ...lines.map((line) => `  ${line}`)];
  });
}

function noteLines({ result, notices }: Preview): string[] {
  const { mode, policy, outcome, because, changes, violations, podSecurity } = result;
  const lines: string[] = [];
  if (because !== null && podSecurity) lines.push(`ignored: ${because}`);
  if (changes.length > 0 && mode === 'audit') {
    lines.push(
      `audit: the webhook changes nothing here; this is what enforce would write (policy ${policy})`,
    );
  } else if (changes.length > 0 && outcome === 'reported') {
    lines.push(
      `templates: Warn: the webhook leaves the template as it is, and hardens its pods (policy ${policy})`,
    );
  }
  for (const { rule, field, value, container, denied, fix } of violations) {
    const where = container === null ? '' : ` on container "${container}"`;
    const is = value === null ? 'is unset' : `is ${JSON.stringify(value)}`;
    lines.push(`${denied ? 'denied' : 'violation'}: ${rule}${where}: ${field} ${is}; ${fix}`);
  }
  lines.push(...notices.map((notice) => `warning: ${notice}`));
  return lines;
}

/** @example `web.yaml#0 Deployment shop/web` */
export function objectName({ source, kind, namespace, name }: PreviewResult): string {
  return `${source} ${kind} ${namespace}/${name}`;
}
