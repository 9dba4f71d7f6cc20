import * as z from 'zod';
import { MAX_PATH, MAX_PATHS, MAX_WRITABLE_PATHS } from './profileBounds.js';
import { parseQuantity, type Quantity } from './quantity.js';
import { shown } from './shown.js';

/*
 * The kinds of values that settings are made of. Only settings schemas and src/policy/schema.ts import this: zod takes
 * 75 ms to load, which the webhook's start does not have.
 */

/**
 * The bound of a list or text, with its message. Zod needs none, and no policy comes near one: they are what the API
 * server multiplies to estimate the cost of the CRD's rules, and it refuses a CRD whose rules could cost too much.
 */
export function atMost(count: number, of: 'items' | 'characters'): [number, { error: string }] {
  return [count, { error: `must have at most ${String(count)} ${of}` }];
}

export const MAX_LABELS = 64;

/** As `atMost`, for a map of labels: `record.refine(...fewLabels)`. */
export const fewLabels: [(labels: object) => boolean, { error: string }] = [
  (labels) => Object.keys(labels).length <= MAX_LABELS,
  { error: `must have at most ${String(MAX_LABELS)} labels` },
];

/** A Kubernetes quantity above zero; a bare number (`cpu: 1`) is taken as its text. */
export function quantity(description: string) {
  return quantityWithout(() => undefined, description);
}

/**
 * The same in bytes, without what an API server only warns of: `512m` is half a byte, and no container starts with so
 * much. `128974848000m` is 123 Mi, and fine.
 */
export function bytes(description: string) {
  return quantityWithout((text, parsed) => {
    const [, number] = /^(.*)[mun]$/.exec(text) ?? [];
    if (number === undefined || parsed % NANOS === 0n) return undefined;
    return `is a fraction of a byte; write ${number}Mi for mebibytes`;
  }, description);
}

const NANOS = 1_000_000_000n;

/** @param problem what else is wrong with a quantity, if anything */
function quantityWithout(
  problem: (text: string, parsed: Quantity) => string | undefined,
  description: string,
) {
  return z
    .union([z.string(), z.number()], { error: ({ input }) => `${shown(input)} is not a quantity` })
    .superRefine((value, context) => {
      const parsed = parseQuantity(value);
      if (parsed === undefined)
        context.addIssue(`${shown(value)} is not a quantity such as 500m, 1 or 128Mi`);
      else if (parsed <= 0n) context.addIssue(`${shown(value)} must be above 0`);
      else {
        const more = problem(String(value), parsed);
        if (more !== undefined) context.addIssue(`${shown(value)} ${more}`);
      }
    })
    .transform(String)
    .describe(description);
}

/** The API's bound for user and group ids (k8s.io/apimachinery validation.IsValidUserID). */
const MAX_ID = 2_147_483_647;

/** A numeric user or group id that is not root's. */
export function nonRootId(description: string) {
  return z
    .int({ error: ({ input }) => `${shown(input)} is not a whole number` })
    .min(1, { error: ({ input }) => (input === 0 ? '0 is root' : `must be from 1 to ${String(MAX_ID)}`) })
    .max(MAX_ID, { error: `must be from 1 to ${String(MAX_ID)}` })
    .describe(description);
}

function cleanPathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must be absolute';
  if (path === '/') return undefined;
  if (path.endsWith('/')) return 'must not end in /';
  if (path.includes('//')) return 'must not contain //';
  if (path.split('/').some((part) => part === '.' || part === '..')) return 'must not contain . or ..';
  return undefined;
}

/** An absolute path without `.`, `..`, `//` or a trailing `/`. `/` itself is one. */
export function hostPathName(description: string) {
  return z
    .string()
    .max(...atMost(MAX_PATH, 'characters'))
    .superRefine((path, context) => {
      const problem = cleanPathProblem(path);
      if (problem !== undefined) context.addIssue(`${shown(path)} ${problem}`);
    })
    .describe(description);
}

/** Directories inside a container that get an emptyDir each. */
export function writablePaths(description: string) {
  return containerPaths(description, MAX_WRITABLE_PATHS, '; to leave that writable, disable the rule');
}

/**
 * Directories inside a container: as host paths, but not `/`, and without `:` (the API refuses it in a mountPath).
 *
 * @param count at most so many
 * @param insteadOfRoot what to do instead, for whoever names `/`
 */
export function containerPaths(description: string, count = MAX_PATHS, insteadOfRoot = '; name directories') {
  const path = z
    .string()
    .max(...atMost(MAX_PATH, 'characters'))
    .superRefine((value, context) => {
      let problem = cleanPathProblem(value);
      if (value === '/') problem = `is the whole root file system${insteadOfRoot}`;
      else if (value.includes(':')) problem = 'must not contain :, the API refuses it in a mountPath';
      if (problem !== undefined) context.addIssue(`${shown(value)} ${problem}`);
    });
  return z
    .array(path)
    .max(...atMost(count, 'items'))
    .superRefine(noDuplicates)
    .describe(description);
}

/** Reports each value of a list that an earlier item has already, at its own index. */
export function noDuplicates(values: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Set<unknown>();
  values.forEach((value, index) => {
    if (seen.has(value))
      context.addIssue({ code: 'custom', path: [index], message: `${shown(value)} is listed twice` });
    seen.add(value);
  });
}

/** What is wrong with the spelling of a capability, if anything. Kubernetes compares the names literally. */
export function capabilityNameProblem(name: string): string | undefined {
  if (name.startsWith('CAP_')) return `is written without CAP_: ${name.slice(4)}`;
  if (/^[A-Z][A-Z0-9_]*$/.test(name)) return undefined;
  return /^[a-z][a-z0-9_]*$/i.test(name)
    ? `is written in upper case without CAP_: ${name.toUpperCase().replace(/^CAP_/, '')}`
    : 'is not the name of a capability such as NET_BIND_SERVICE';
}
