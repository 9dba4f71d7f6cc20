import type { RuleId } from '../hardening/rule.js';
import type { Certainty } from './finding.js';

/** The errors of the kernel that rules cause, and that are looked for in texts. */
export type Errno = 'EROFS' | 'EACCES' | 'EPERM' | 'ENOENT';

/** How an error is written. Texts are in lower case. */
export interface ErrnoWords {
  readonly number: number;
  readonly texts: readonly string[];
  /** Regular expressions: names that runtimes have for it. */
  readonly patterns: readonly string[];
}

/** What has to hold of a container, or of the path or port that a text names. See conditions.ts. */
export const CONDITIONS = [
  'nonRoot',
  'mayBeRoot',
  'mayEscalate',
  'becomesRoot',
  'lowPort',
  'ourUid',
  'rootFilesystem',
  'ourVolume',
  'notOurVolume',
  'authorVolume',
  'notTemporary',
  'kernelPath',
  'mountMadeReadOnly',
  'namedVolumeIsOurs',
  'allRequestsAreOurs',
  'authorSelectsNoNode',
] as const;
export type NamedCondition = (typeof CONDITIONS)[number];
/** `lacks:SETUID|SETGID`: the container has not all of these capabilities. */
export type Condition = NamedCondition | `lacks:${string}`;

/** What mends it, from which the text to paste is made. See remedies.ts. */
export const REMEDIES = [
  'uid',
  'port',
  'rootCapabilities',
  'neededCapabilities',
  'fileCapability',
  'writablePath',
  'writableRoot',
  'sizeLimit',
  'escalation',
  'unconfinedSeccomp',
  'resources',
  'template',
  'label',
] as const;
export type RemedyHint = (typeof REMEDIES)[number];

export interface Blame {
  readonly rule: RuleId;
  /** The end of the field that the rule has to have written. */
  readonly field?: string;
  readonly when?: readonly Condition[];
  readonly certainty: Certainty;
  readonly remedy: RemedyHint;
}

/** One thing that broken containers, the kubelet or the scheduler say. */
export interface Signature {
  readonly id: string;
  /** Of a container's state, the pod's status or an event. Without them any text is looked at. */
  readonly reasons?: readonly string[];
  /** One of them has to be in the text. */
  readonly errnos?: readonly Errno[];
  /** Regular expressions, of any case: what has to be in the text, and what must not. */
  readonly pattern?: string;
  readonly unless?: string;
  readonly when?: readonly Condition[];
  /** Programs often go on after it: it says nothing of a container that runs and is ready. */
  readonly isSurvivable?: boolean;
  /** A clause: what it means. */
  readonly means: string;
  /** The most likely first; empty where it only looks like a rule's doing. */
  readonly blames: readonly Blame[];
}
