import { RULE_IDS } from '../hardening/rule.js';
import { shown } from '../hardening/shown.js';
import { parsePodSecurityVersion } from '../podSecurity/version.js';
import { suggestion } from '../policy/didYouMean.js';

/** What the caller of a preview says of the cluster that the objects would go to. */
export interface PreviewChoices {
  /** For objects that name none. */
  readonly namespace?: string | undefined;
  readonly policy?: string | undefined;
  readonly mode?: 'enforce' | 'audit' | 'disabled' | undefined;
  /** The namespace's labels, those of kube-harden only. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The minor of the Pod Security Standards to judge by; without it the latest. */
  readonly podSecurityMinor?: number | undefined;
}

/** Choices as they are typed. */
export interface GivenChoices {
  readonly namespace?: string | undefined;
  readonly policy?: string | undefined;
  readonly mode?: string | undefined;
  /** Each `key=value`. */
  readonly labels: readonly string[];
  /** `latest` or `v1.36`. */
  readonly podSecurityVersion?: string | undefined;
}

const PREFIX = 'kube-harden.io/';
export const MODES = ['enforce', 'audit', 'disabled'] as const;
export const RULE_VALUES: readonly string[] = ['disabled', 'warn'];
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** @returns what is wrong with a namespace's name, or undefined */
export function namespaceProblem(name: string): string | undefined {
  if (DNS_LABEL.test(name)) return undefined;
  return `${shown(name)} is not a namespace's name (a-z, 0-9 and -, at most 63 characters)`;
}

/**
 * Checks choices. In a cluster a wrong label is reported and ignored; here it was typed a moment ago, so it is refused.
 *
 * @param policies the names of the policies in force
 * @returns the choices, or everything that is wrong with them
 */
export function readChoices(
  given: GivenChoices,
  policies: readonly string[],
): { readonly choices: PreviewChoices } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const labels: Record<string, string> = {};
  for (const label of given.labels) {
    const [key, value] = splitLabel(label);
    const wrong = labelProblem(key, value, policies);
    if (wrong === undefined) labels[key] = value;
    else problems.push(wrong);
  }
  const { namespace, policy, mode, podSecurityVersion = 'latest' } = given;
  const wrongName = namespace === undefined ? undefined : namespaceProblem(namespace);
  if (wrongName !== undefined) problems.push(`namespace: ${wrongName}`);
  if (policy !== undefined) problems.push(...oneOf('policy', policy, policies));
  if (mode !== undefined) problems.push(...oneOf('mode', mode, MODES));
  const version = parsePodSecurityVersion(podSecurityVersion);
  if (version === undefined) problems.push(`podSecurityVersion: ${versionProblem(podSecurityVersion)}`);
  if (problems.length > 0) return { problems };
  return {
    choices: {
      namespace,
      policy,
      mode: MODES.find((known) => known === mode),
      ...(given.labels.length > 0 ? { labels } : {}),
      podSecurityMinor: version === 'latest' ? undefined : version,
    },
  };
}

function splitLabel(label: string): [key: string, value: string] {
  const equals = label.indexOf('=');
  return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)];
}

function labelProblem(key: string, value: string, policies: readonly string[]): string | undefined {
  const known = ['mode', 'policy', ...RULE_IDS].map((name) => PREFIX + name);
  const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : undefined;
  const values = name === 'mode' ? MODES : name === 'policy' ? policies : RULE_VALUES;
  if (known.includes(key)) return oneOf(`label ${key}`, value, values)[0];
  const full = known.includes(PREFIX + key) ? `; did you mean "${PREFIX}${key}"?` : '';
  return `label "${key}" is not one that kube-harden reads (${PREFIX}mode, policy, or a rule's id)${full || suggestion(key, known)}`;
}

function versionProblem(version: string): string {
  const hint = parsePodSecurityVersion(`v${version}`) === undefined ? '' : `; did you mean "v${version}"?`;
  return `${shown(version)} is neither "latest" nor a version such as "v1.36"${hint}`;
}

function oneOf(what: string, value: string, known: readonly string[]): string[] {
  if (known.includes(value)) return [];
  return [`${what}: "${value}" is not one of ${known.join(', ')}${suggestion(value, known)}`];
}
