import type { Action, Rule, RuleId } from './rule.js';
import type { Quantity } from './quantity.js';

/** What a HardeningPolicy says of an image, so that hardening does not break it. */
export interface ImageProfile {
  /** Normalised repositories; a tag, a digest or globs may follow. See images/imageProfiles.ts. */
  readonly images: readonly string[];
  readonly runAsUser?: number | undefined;
  /** The same as runAsUser unless given. */
  readonly runAsGroup?: number | undefined;
  readonly writablePaths?: readonly string[] | undefined;
  /** Where the image keeps data, such as its VOLUMEs: never covered by an emptyDir. */
  readonly dataPaths?: readonly string[] | undefined;
  /** The emptyDirs' sizeLimit for this image, instead of the policy's. */
  readonly sizeLimit?: string | undefined;
  readonly ports?: readonly number[] | undefined;
  readonly startsAsRoot?: StartsAsRoot | undefined;
  /** Capabilities that the binary carries, or one of `allowPrivilegeEscalation`, `writableRoot`, `unconfinedSeccomp`. */
  readonly needs?: readonly string[] | undefined;
}

/** How an image starts that drops its privileges by itself. */
export interface StartsAsRoot {
  /** What its entrypoint needs for it. */
  readonly capabilities: readonly string[];
  /** It has to start so where a volume that outlives the pod is mounted at one of these. */
  readonly volumes?: readonly string[] | undefined;
  /** An environment variable whose value counts instead of `volumes` where the container sets it. */
  readonly volumeVariable?: string | undefined;
}

/** The profile found for an image, and how far it may be trusted. */
export interface MatchedProfile {
  readonly profile: ImageProfile;
  /** The one of the profile's `images` that the image matches. */
  readonly pattern: string;
  /** From the policy itself; only then may it lift a rule (`needs` other than capabilities). */
  readonly fromPolicy: boolean;
  /** The entry names this very repository, not a mirror pattern: only then `needs` and `startsAsRoot` hold. */
  readonly exact: boolean;
}

export interface ImageProfiles {
  /** @param image as the container names it, unnormalised */
  lookup(image: string): MatchedProfile | undefined;
}

/** An exception that is bound to the plan's namespace and has not expired. */
export interface ActiveException {
  readonly name: string;
  readonly rules: ReadonlySet<RuleId>;
}

export interface ActiveExceptions {
  readonly all: readonly ActiveException[];
  /** Those that hold for a container of this pod. */
  matching(container: ExceptionContainer, pod: ExceptionPod): readonly ActiveException[];
}
export interface ExceptionContainer {
  readonly name: string;
  /** As the container names it, unnormalised. */
  readonly image: string;
}
export interface ExceptionPod {
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
}

/** One rule as this namespace gets it. */
export interface RulePlan {
  readonly rule: Rule;
  /** What the rule does here: the policy's action, or Warn where the namespace's label says `warn`. Never Disabled. */
  readonly action: Exclude<Action, 'Disabled'>;
  readonly settings: unknown;
  /** The namespace may opt out (`Allowed`) or not (`Forbidden`). */
  readonly optOut: 'Allowed' | 'Forbidden';
  /** The namespace's label has turned the rule off: it does not run and is reported as skipped. */
  readonly optedOut: boolean;
  /** The namespace has a label of the rule's, whatever its value: kubectl changes it only with `--overwrite`. */
  readonly hasLabel?: boolean | undefined;
}

/** What a LimitRange of the namespace allows, one entry a LimitRange item. */
export interface LimitRangeItem {
  readonly type: 'Container' | 'Pod';
  readonly max: ReadonlyMap<string, Quantity>;
  readonly min: ReadonlyMap<string, Quantity>;
  readonly maxLimitRequestRatio: ReadonlyMap<string, Quantity>;
}

/** A ResourceQuota of the namespace, towards which default requests and limits count. */
export interface QuotaFacts {
  readonly name: string;
  /** What it limits of what a rule may add: `requests.cpu`, `limits.memory`, ... */
  readonly resources: readonly string[];
}

/**
 * Everything a decision needs to know of a namespace and its policy, worked out once per change of either and never
 * per request. Namespaces that say the same share one plan, so it does not carry the namespace's name.
 */
export interface Plan {
  readonly policy: string;
  /** `disabled`: the namespace did not ask for us, or is never touched; `because` says which. */
  readonly mode: 'enforce' | 'audit' | 'disabled';
  readonly because?: string | undefined;
  readonly warnings: 'Summary' | 'Full' | 'None';
  readonly templates: 'Warn' | 'Mutate' | 'Ignore';
  readonly unknownImages: 'Harden' | 'Safe';
  /** In the order in which they run; rules that are Disabled are absent. */
  readonly rules: readonly RulePlan[];
  readonly byId: Readonly<Partial<Record<RuleId, RulePlan>>>;
  readonly imageProfiles: ImageProfiles;
  readonly exceptions: ActiveExceptions;
  /** `first/size` of the namespace's uid-range annotation, where there is a valid one. */
  readonly uidRange?: { readonly first: number; readonly size: number } | undefined;
  readonly limitRanges: readonly LimitRangeItem[];
  /** A ResourceQuota of the namespace has scope BestEffort or NotBestEffort. */
  readonly quotaByQos: boolean;
  readonly quotas: readonly QuotaFacts[];
  /** Lines that every response carries: a bad label, an unknown policy, an expired exception. At most 120 characters each. */
  readonly notices: readonly string[];
  /** Milliseconds since the epoch at which an exception expires and the plan has to be made anew. */
  readonly nextExpiry?: number | undefined;
  /** The same of the last exception that has expired: a clock that is set back behind it brings it back. */
  readonly lastExpiry?: number | undefined;
}
