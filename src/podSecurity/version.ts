/*
 * The Pod Security Standards have a version for each minor of Kubernetes. A version is held as its minor: 36 is v1.36.
 */

/** The newest version that the controls here know: k8s.io/pod-security-admission v0.37. */
export const NEWEST_MINOR = 37;

/**
 * Reads a version as the label `pod-security.kubernetes.io/enforce-version` spells it.
 *
 * @returns the minor of `v1.x`; `latest`, which is what an API server knows of newest; undefined for what is neither
 */
export function parsePodSecurityVersion(text: string): number | 'latest' | undefined {
  if (text === 'latest') return text;
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

/**
 * The version by which a pod is judged where this one is asked for: a newer one than is known counts as the newest, as
 * it does to an API server.
 *
 * @example podSecurityVersion(36) → `v1.36`
 */
export function podSecurityVersion(minor: number): string {
  return `v1.${Math.min(minor, NEWEST_MINOR)}`;
}
