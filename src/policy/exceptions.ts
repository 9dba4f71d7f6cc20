import type { ActiveException, ExceptionPod } from '../hardening/plan.js';
import { isGlob, matchesGlob } from '../images/glob.js';
import { matchesImage, parseImagePattern } from '../images/imagePattern.js';
import { parseImage } from '../images/imageReference.js';
import type { PolicyException } from './policy.js';

const DAY = 24 * 60 * 60 * 1000;

/** @returns the first millisecond at which the exception no longer holds; `expires` is valid through its day, UTC. */
export function expiryOf(exception: PolicyException): number | undefined {
  return exception.expires === undefined ? undefined : Date.parse(`${exception.expires}T00:00:00Z`) + DAY;
}

export function appliesTo(exception: PolicyException, namespace: string): boolean {
  return exception.match.namespaces.some((glob) => matchesGlob(glob, namespace));
}

/** Prepares an exception for matching. Names that are no globs are compared first: they decide most cases at once. */
export function compileException(exception: PolicyException): ActiveException {
  const { containers, images, podLabels, serviceAccounts } = exception.match;
  const matchesContainer = anyOf(containers);
  const matchesServiceAccount = anyOf(serviceAccounts);
  const labels = Object.entries(podLabels ?? {});
  const patterns = images?.map(parseImagePattern);
  return {
    name: exception.name,
    rules: new Set(exception.rules),
    matches: (container, pod) =>
      matchesContainer(container.name) &&
      matchesServiceAccount(pod.serviceAccount) &&
      matchesLabels(labels, pod) &&
      (patterns === undefined ||
        patterns.some((pattern) => matchesImage(pattern, parseImage(container.image)))),
  };
}

function anyOf(globs: readonly string[] | undefined): (text: string) => boolean {
  if (globs === undefined) return () => true;
  const names = new Set(globs.filter((glob) => !isGlob(glob)));
  const wild = globs.filter(isGlob);
  return (text) => names.has(text) || wild.some((glob) => matchesGlob(glob, text));
}

function matchesLabels(labels: readonly (readonly [string, string])[], pod: ExceptionPod): boolean {
  return labels.every(([key, glob]) => {
    const value = Object.hasOwn(pod.labels, key) ? pod.labels[key] : undefined;
    return value !== undefined && matchesGlob(glob, value);
  });
}
