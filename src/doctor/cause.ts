import { isRecord } from '../hardening/locate.js';
import type { Blamed, Match } from './match.js';
import type { Redact } from './redact.js';

/** One sentence: what the rule wrote, and what that does to the container. */
export function causeOf({ signature, sighting }: Match, { rule, field }: Blamed, redact: Redact): string {
  const { container, path, port } = sighting;
  const on = container ? `container "${container.name}"` : 'the pod';
  const about = [
    path !== undefined && signature.errnos ? ` (${redact(path)})` : '',
    port !== undefined && signature.id === 'bind-low-port' ? ` (port ${port})` : '',
  ].join('');
  const doubt = field.isCompared ? '' : '; what its author wrote is not known';
  return `${rule} ${what(field)} on ${on}: ${signature.means}${about}${doubt}.`;
}

function what({ field, before, after, isCompared }: Blamed['field']): string {
  const name = field.replace(/^spec\.(?:\w+\[\d+\]\.)?(?:securityContext\.)?/, '');
  if (after === undefined) return `took ${name} away`;
  if (isRecord(after) && 'name' in after) return `added the volume ${String(after['name'])}`;
  const was = isCompared && before !== undefined ? `, was ${shown(before)}` : '';
  return isCompared ? `set ${name} to ${shown(after)}${was}` : `sets ${name} to ${shown(after)}`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isRecord(value) && typeof value['type'] === 'string') return value['type'];
  return Array.isArray(value) ? `[${value.map(String).join(', ')}]` : JSON.stringify(value);
}
