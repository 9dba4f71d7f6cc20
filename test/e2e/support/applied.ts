import type { Json } from '../controlPlane/apiClient.js';
import { world } from './world.js';

/** The two ways by which a user's manifest becomes an object. */
export const WAYS = ['client-side', 'server-side'] as const;
export type Way = (typeof WAYS)[number];

export interface Applied {
  /** kubectl's word for each object (`created`, `configured`, `unchanged`, `serverside-applied`), by `kind/name`. */
  readonly done: ReadonlyMap<string, string>;
  /** What was refused: kubectl goes on with the others. */
  readonly errors: readonly string[];
}

const DONE = /^([\w.]+\/\S+) (created|configured|unchanged|serverside-applied)/gm;
const FOR_EACH = /(?=^(?:Error from server|The \w+ "|error: ))/m;

/** A real `kubectl apply` of many objects, by two kubectl at once: it takes 0.1 s of a processor for each that exists. */
export async function apply(way: Way, namespace: string, objects: readonly Json[]): Promise<Applied> {
  const half = Math.ceil(objects.length / 2);
  const [one, other] = await Promise.all([
    applyAtOnce(way, namespace, objects.slice(0, half)),
    applyAtOnce(way, namespace, objects.slice(half)),
  ]);
  return { done: new Map([...one.done, ...other.done]), errors: [...one.errors, ...other.errors] };
}

async function applyAtOnce(way: Way, namespace: string, objects: readonly Json[]): Promise<Applied> {
  if (objects.length === 0) return { done: new Map(), errors: [] };
  const { stdout, stderr } = await world().controlPlane.kubectl(
    ['apply', ...(way === 'server-side' ? ['--server-side'] : []), '-n', namespace, '-f', '-'],
    // Not a List: one object that kubectl's own validation refuses would take all others with it.
    { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') },
  );
  const done = new Map([...stdout.matchAll(DONE)].map(([, object = '', word = '']) => [object, word]));
  const errors = stderr
    .split('\n')
    .filter((line) => !line.startsWith('Warning: '))
    .join('\n')
    .split(FOR_EACH)
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return { done, errors };
}

/** `12 configured, 3 unchanged`. */
export function words({ done, errors }: Applied): string {
  const counts = new Map<string, number>();
  for (const word of done.values()) counts.set(word, (counts.get(word) ?? 0) + 1);
  if (errors.length > 0) counts.set('refused', errors.length);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}
