import type { PodDraft } from './podDraft.js';

/**
 * Every rule id, in catalogue order: the order in which ids are listed everywhere (warnings, audit annotations,
 * `/api/rules`, docs) and, but for one, in which rules run. An id is the Kubernetes field it governs.
 */
export const RULE_IDS = [
  'privileged',
  'runAsNonRoot',
  'runAsUser',
  'capabilities',
  'allowPrivilegeEscalation',
  'readOnlyRootFilesystem',
  'seccompProfile',
  'resources',
  'hostNamespaces',
  'hostPath',
  'runtimeSocket',
  'sshd',
  'automountServiceAccountToken',
  'scheduling',
  'unprivilegedPorts',
  'procMount',
  'appArmorProfile',
  'hostUsers',
  'enableServiceLinks',
  'imagePullPolicy',
  'supplementalGroupsPolicy',
] as const;
export type RuleId = (typeof RULE_IDS)[number];

/** What a policy may ask of a rule. The words are Kubernetes style, never `off`: YAML 1.1 reads that as a boolean. */
export const ACTIONS = ['Default', 'Override', 'Warn', 'Deny', 'Disabled'] as const;
export type Action = (typeof ACTIONS)[number];

export type Risk = 'low' | 'medium' | 'high';

/** Why a rule left something alone. The one list behind the preview, the metrics and the docs. */
export const SKIP_CODES = [
  'ExplicitRoot',
  'NonRootDeclared',
  'StartsAsRoot',
  'PrivilegedContainer',
  'ApiWouldReject',
  'NodeWouldReject',
  'LegacyAnnotation',
  'WindowsPod',
  'PodLevelResources',
  'RequestDefaultsToLimit',
  'QuotaScope',
  'EphemeralContainer',
  'DaemonSetPod',
  'BarePod',
  'StatefulUnknownImage',
  'UnknownImage',
  'ImageNeeds',
  'OptedOut',
  'Excepted',
] as const;
export type SkipCode = (typeof SKIP_CODES)[number];

/** Where a container stands: its list, its index there, its name. */
export interface ContainerRef {
  readonly list: ContainerList;
  readonly index: number;
  readonly name: string;
}
export type ContainerList = 'containers' | 'initContainers' | 'ephemeralContainers';

/** A path inside the pod (`['spec', 'containers', 0, 'securityContext', ...]`); `'-'` as last element appends to a list. */
export type Path = readonly (string | number)[];

/**
 * One field that a rule writes. Without `after` the field is removed.
 * `before` is the author's value, absent where the field was unset.
 */
export interface Change {
  readonly rule: RuleId;
  readonly path: Path;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly container?: ContainerRef;
  /** Given only where this change differs from what the rule's metadata says. */
  readonly risk?: Risk;
  readonly reason?: string;
}

/** Something a rule would have written and did not, and why. */
export interface Skip {
  readonly rule: RuleId;
  readonly code: SkipCode;
  readonly container?: ContainerRef;
  /** What exactly stood in the way (the exception's name, the annotation, the volume), where it is not evident. */
  readonly detail?: string;
}

/** An explicit value weaker than the rule asks, or (Warn, Deny) an unset one that Default would set. */
export interface Violation {
  readonly rule: RuleId;
  /** In Kubernetes' field notation from the pod: `spec.containers[0].securityContext.privileged`. */
  readonly field: string;
  /** The author's value; undefined where the field is unset. */
  readonly value?: unknown;
  readonly container?: ContainerRef;
  /** The rule's action is Deny here: in enforce mode the object is refused. */
  readonly denied?: true;
  readonly detail?: string;
}

/** The rules that changes, skips or violations come from: each once, in catalogue order. */
export function ruleIds(list: readonly { readonly rule: RuleId }[]): RuleId[] {
  const named: RuleId[] = [];
  let isOrdered = true;
  for (const { rule } of list) {
    const last = named.at(-1);
    if (rule === last || named.includes(rule)) continue;
    // All rules but hostUsers run in catalogue order, so what they leave behind is mostly in order too.
    if (last !== undefined && ORDER[rule] < ORDER[last]) isOrdered = false;
    named.push(rule);
  }
  return isOrdered ? named : named.sort((a, b) => ORDER[a] - ORDER[b]);
}

const ORDER = Object.fromEntries(RULE_IDS.map((id, index) => [id, index])) as Record<RuleId, number>;

/** The Pod Security Standards control that a rule serves. */
export interface Control {
  readonly level: 'baseline' | 'restricted';
  readonly name: string;
}

/**
 * One hardening rule: metadata, from which docs, CLI, API and schema come, and one function.
 * `S` is the rule's settings as the policy gives them (all defaults filled in).
 */
export interface Rule<S = unknown> {
  /** The Kubernetes field; also the file's name, the label, the metric label and the doc page. */
  readonly id: RuleId;
  /** One line: what the rule is for. */
  readonly title: string;
  /** One or two sentences, shown as the reason of every change: why the field should have this value. */
  readonly reason: string;
  /** How likely it is to break a program that runs today. */
  readonly risk: Risk;
  readonly control?: Control;
  readonly os: 'any' | 'linux';
  /** The actions that make sense; `refused` says why each of the others does not. */
  readonly actions: readonly Action[];
  readonly refused?: Partial<Record<Action, string>>;
  /** What Default sets and what Override also replaces, one sentence each, for the docs. */
  readonly sets: { readonly Default: string; readonly Override: string };
  /** Every field it may write, in field notation from the pod with `[*]` for list items. */
  readonly fields: readonly string[];
  /** It governs the pod as a whole: only an exception that matches every container lifts it. */
  readonly wholePod?: true;
  apply(pod: PodDraft, settings: S): void;
}
