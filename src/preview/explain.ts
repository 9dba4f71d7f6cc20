import { CHANGED_ANNOTATION } from '../admission/decide.js';
import { optOutCommand, optOutLabel } from '../admission/text.js';
import type { KubernetesObject } from '../admission/types.js';
import { locatePod } from '../hardening/locate.js';
import type { Plan } from '../hardening/plan.js';
import { serviceAccountOf } from '../hardening/serviceAccount.js';
import type { Container, Pod } from '../hardening/podSpec.js';
import { RULE_IDS, type Action, type Path, type RuleId } from '../hardening/rule.js';
import { RULES_BY_ID } from '../hardening/rules/index.js';
import type { Policy, PolicyException } from '../policy/policy.js';
import type { PreviewChoices } from './choices.js';
import { fieldKeys } from './fieldKeys.js';
import type { Manifest } from './manifests.js';
import { evaluatePodSecurity } from '../podSecurity/evaluate.js';
import { NEWEST_MINOR } from '../podSecurity/version.js';
import { holds, runningValue } from './explainRunning.js';
import type { PolicyPlaces } from './policyPlaces.js';
import { podOf, type Preview } from './preview.js';
import type { FilePreview } from './previewFile.js';
import type { PreviewChange, PreviewResult, PreviewSkip, PreviewViolation } from './result.js';
import { SKIP_REMEDIES } from './skipRemedies.js';

/** One object, rule by rule: what happens to it, why, and what changes that. As `explain -o json` prints it. */
export interface Explanation extends Pick<
  PreviewResult,
  | 'source'
  | 'apiVersion'
  | 'kind'
  | 'namespace'
  | 'name'
  | 'policy'
  | 'mode'
  | 'outcome'
  | 'because'
  | 'podSecurity'
> {
  /** In its file, from 1. */
  readonly line: number | null;
  /** What the webhook does not do of it, and why; null where it does all of it. */
  readonly notice: string | null;
  /** What the values before are from, where the object is one of a cluster that is hardened already; else null. */
  readonly comparedWith: string | null;
  /** In catalogue order; but for the one that was asked for, only rules that have something to say. */
  readonly rules: readonly ExplainedRule[];
  /** What is wrong with the namespace's labels, its policy's name and its exceptions. */
  readonly warnings: readonly string[];
}

export interface ExplainedRule {
  readonly rule: RuleId;
  readonly title: string;
  /** What the rule does in this namespace. */
  readonly action: Action;
  readonly setBy: SetBy;
  readonly optOut: OptOut;
  readonly changes: readonly ExplainedChange[];
  readonly violations: readonly ExplainedViolation[];
  readonly skips: readonly ExplainedSkip[];
}

/** What makes the action what it is. */
export interface SetBy {
  /** The namespace's label, whole, where it has a say: `kube-harden.io/sshd=warn`. */
  readonly label: string | null;
  readonly policy: string;
  /** The field of the policy. */
  readonly field: string;
  /** Where it is written, `policy.yaml:12`; null where it is not: in a built-in policy, or left out. */
  readonly place: string | null;
  /** The policy comes from a file, and leaves the field out. */
  readonly isLeftOut: boolean;
}

/** How the namespace turns the rule off or, where it has done so, on again. */
export interface OptOut {
  /** Null where the rule does not run, or the policy forbids it. */
  readonly command: string | null;
  readonly isForbidden: boolean;
  /** Where the policy says so, or forbids it. */
  readonly place: string | null;
  /** Takes the label away that weakens the rule; null where there is none. */
  readonly undo: string | null;
}

export interface ExplainedChange extends PreviewChange {
  /** Of the field, or of the deepest part of it that is there; from 1. */
  readonly line: number | null;
  /** What the cluster has, null where it is unset; only with `comparedWith`. */
  readonly running?: unknown;
}

export interface ExplainedViolation extends PreviewViolation {
  readonly line: number | null;
}

export interface ExplainedSkip extends PreviewSkip {
  readonly remedy: string;
  /** What lifts the rule: none but where the code is `Excepted`. */
  readonly exceptions: readonly ExplainedException[];
}

export interface ExplainedException {
  readonly name: string;
  readonly reason: string;
  /** The last day on which it holds, UTC; null where it has no end. */
  readonly expires: string | null;
  readonly place: string | null;
}

/** What a preview does not carry along: the policies themselves, and where they are written. */
export interface ExplainSources {
  readonly choices: PreviewChoices;
  /** Those in force. */
  readonly policies: readonly Policy[];
  readonly places: Pick<PolicyPlaces, 'of'>;
}

/** An object of a cluster, told of beside what its author wrote. */
export interface LiveObject {
  /** As the cluster has it. */
  readonly running: KubernetesObject;
  /** Where the author's is from; undefined where the object is not hardened yet, and the author's is what runs. */
  readonly comparedWith: string | undefined;
}

/** Explains the objects of a file. @param only this rule alone, also where it has nothing to say */
export function explainFile(
  { file, previews }: FilePreview,
  sources: ExplainSources,
  only?: RuleId,
): Explanation[] {
  return file.manifests.flatMap((manifest, index) => {
    const preview = previews[index];
    return preview ? explainManifest({ manifest, preview }, sources, only) : [];
  });
}

/** An object, and what hardening does to it. */
export interface Previewed {
  readonly manifest: Manifest;
  readonly preview: Preview;
  /** Given where the manifest is what the author of a cluster's object wrote. */
  readonly live?: LiveObject | undefined;
}

/** Explains one object. @param only this rule alone, also where it has nothing to say */
export function explainManifest(previewed: Previewed, sources: ExplainSources, only?: RuleId): Explanation {
  return new Explainer(previewed, sources).explain(only);
}

class Explainer {
  readonly #policy: Policy | undefined;
  readonly #pod: Pod | undefined;
  readonly #base: Path;

  readonly manifest: Manifest;
  readonly preview: Preview;
  readonly plan: Plan;
  readonly #live: LiveObject | undefined;
  readonly #changes: readonly ExplainedChange[];

  constructor(
    { manifest, preview, live }: Previewed,
    readonly sources: ExplainSources,
  ) {
    const located = podOf(manifest, preview.result.namespace);
    this.manifest = manifest;
    this.preview = preview;
    this.plan = preview.plan;
    this.#live = live;
    this.#policy = sources.policies.find(({ name }) => name === preview.plan.policy);
    this.#pod = located?.pod;
    this.#base = located?.base ?? [];
    this.#changes = preview.result.changes.map((change, index) => ({
      ...change,
      line: this.#lineOf(change.field),
      ...(live?.comparedWith !== undefined && {
        running: this.#running(live.running, preview.changePaths[index] ?? [], change.after),
      }),
    }));
  }

  explain(only: RuleId | undefined): Explanation {
    const { result, notices } = this.preview;
    const { source, apiVersion, kind, namespace, name, policy, mode, outcome, because, podSecurity } = result;
    const explained = (only === undefined ? RULE_IDS : [only]).map((rule) => this.#rule(rule));
    const hasPod = podSecurity !== null && mode !== 'disabled';
    return {
      ...{ source, line: this.#line([]), apiVersion, kind, namespace, name },
      ...{ policy, mode, outcome, because },
      podSecurity: this.#podSecurity(),
      notice: (this.#live && liveNotice(result, this.#live)) ?? notWritten(result),
      comparedWith: this.#live?.comparedWith ?? null,
      rules: explained.filter((rule) => hasPod && (only !== undefined || hasSomething(rule))),
      warnings: [...notices, ...this.#added(), ...this.#noLongerAsked()],
    };
  }

  #running(running: KubernetesObject, path: Path, after: unknown): unknown {
    return runningValue(this.manifest.object, running, path, after) ?? null;
  }

  /** The level before is the author's, that after is of what runs. */
  #podSecurity(): PreviewResult['podSecurity'] {
    const { podSecurity } = this.preview.result;
    const { running, comparedWith } = this.#live ?? {};
    const pod = comparedWith === undefined || !running ? undefined : locatePod(running)?.pod;
    if (!podSecurity || !pod) return podSecurity;
    const { level, blockers } = evaluatePodSecurity(
      pod,
      this.sources.choices.podSecurityMinor ?? NEWEST_MINOR,
    );
    return { ...podSecurity, after: level, blockers };
  }

  /** Containers that others (an injector of sidecars) have added: nothing is told of them. */
  #added(): string[] {
    if (this.#live?.comparedWith === undefined) return [];
    const known = new Set(containersOf(this.#pod).map(({ name }) => name));
    const added = containersOf(locatePod(this.#live.running)?.pod).filter(({ name }) => !known.has(name));
    return added.map(
      ({ name }) => `container "${name ?? ''}" is not what the author wrote, and not told of here`,
    );
  }

  /** What the webhook wrote when the object was created, and would not write today. */
  #noLongerAsked(): string[] {
    if (this.#live?.comparedWith === undefined) return [];
    const asked = new Set(this.#changes.map(({ rule }) => rule));
    const written = changedRules(this.#live.running).filter((rule) => !asked.has(rule));
    return written.map(
      (rule) => `${CHANGED_ANNOTATION} names ${rule}, which today's policy and labels would not change`,
    );
  }

  #rule(rule: RuleId): ExplainedRule {
    const { violations, skips } = this.preview.result;
    const own = <T extends { readonly rule: RuleId }>(list: readonly T[]): T[] =>
      list.filter((item) => item.rule === rule);
    return {
      rule,
      title: RULES_BY_ID.get(rule)?.title ?? '',
      action: this.plan.byId[rule]?.action ?? 'Disabled',
      setBy: this.#setBy(rule),
      optOut: this.#optOut(rule),
      changes: own(this.#changes),
      violations: own(violations).map((violation) => this.#violation(violation)),
      skips: own(skips).map((skip) => this.#skip(skip)),
    };
  }

  #setBy(rule: RuleId): SetBy {
    const place = this.#place(['spec', 'rules', rule, 'action']);
    return {
      label: this.#label(rule),
      policy: this.plan.policy,
      field: `spec.rules.${rule}.action`,
      place,
      isLeftOut: place === null && this.#place(['metadata', 'name']) !== null,
    };
  }

  /** The label that weakens the rule here. */
  #label(rule: RuleId): string | null {
    const rulePlan = this.plan.byId[rule];
    if (!rulePlan) return null;
    if (rulePlan.optedOut) return optOutLabel(rule);
    const isWarn = rulePlan.action === 'Warn' && this.#policy?.rules[rule].action !== 'Warn';
    return isWarn ? `kube-harden.io/${rule}=warn` : null;
  }

  #optOut(rule: RuleId): OptOut {
    const rulePlan = this.plan.byId[rule];
    const isForbidden = rulePlan?.optOut === 'Forbidden';
    const label = this.#label(rule);
    return {
      command:
        !rulePlan || isForbidden || rulePlan.optedOut
          ? null
          : optOutCommand(rulePlan, this.preview.result.namespace),
      isForbidden,
      place: this.#place(['spec', 'rules', rule, 'optOut']),
      undo:
        label === null ? null : `kubectl label ns ${this.preview.result.namespace} kube-harden.io/${rule}-`,
    };
  }

  #violation(violation: PreviewViolation): ExplainedViolation {
    return { ...violation, line: this.#lineOf(violation.field) };
  }

  #skip(skip: PreviewSkip): ExplainedSkip {
    const exceptions = skip.code === 'Excepted' ? this.#exceptions(skip) : [];
    return { ...skip, remedy: SKIP_REMEDIES[skip.code], exceptions };
  }

  /** The exceptions that lift a rule on a container; on the pod, those of all its containers. */
  #exceptions({ rule, container }: PreviewSkip): ExplainedException[] {
    const { metadata, spec } = this.#pod ?? { spec: {} };
    const pod = { labels: metadata?.labels ?? {}, serviceAccount: serviceAccountOf(spec) };
    const containers = containersOf(this.#pod).filter(({ name }) => container === null || name === container);
    const holds = (each: Container): string[] =>
      this.plan.exceptions
        .matching({ name: each.name ?? '', image: each.image ?? '' }, pod)
        .filter(({ rules }) => rules.has(rule))
        .map(({ name }) => name);
    const names = new Set(containers.flatMap(holds));
    return (this.#policy?.exceptions ?? []).flatMap((exception, index) =>
      names.has(exception.name) ? [this.#exception(exception, index)] : [],
    );
  }

  #exception({ name, reason, expires }: PolicyException, index: number): ExplainedException {
    return { name, reason, expires: expires ?? null, place: this.#place(['spec', 'exceptions', index]) };
  }

  #place(path: Path): string | null {
    return this.sources.places.of(this.plan.policy, path) ?? null;
  }

  #lineOf(field: string): number | null {
    return this.#line([...this.#base, ...fieldKeys(field)]);
  }

  #line(path: Path): number | null {
    return this.manifest.position(path)?.line ?? null;
  }
}

/** The rules that the webhook's annotation names: of the pod, or of the object that has its template. */
export function changedRules({ metadata }: KubernetesObject): RuleId[] {
  const annotations = metadata?.annotations ?? {};
  const words = Object.hasOwn(annotations, CHANGED_ANNOTATION)
    ? (annotations[CHANGED_ANNOTATION] ?? '').split(',').map((word) => word.trim())
    : [];
  return RULE_IDS.filter((id) => words.includes(id));
}

/** What is to be said of an object of a cluster before anything else; undefined where it is as with a file. */
function liveNotice(result: PreviewResult, { running, comparedWith }: LiveObject): string | undefined {
  const { kind, mode, because, changes } = result;
  if (mode === 'disabled') return `${because ?? mode}; --mode enforce tells what would be`;
  if (because !== null || comparedWith !== undefined) return undefined;
  const written = changedRules(running);
  if (written.length > 0)
    return `hardened already (${written.join(', ')}); what its author wrote is not kept in the cluster`;
  return kind === 'Pod' && mode === 'enforce' && changes.length > 0
    ? 'it runs as it is; a pod that is created now gets this'
    : undefined;
}

/** Whether what runs is another value than hardening gives today. */
export function runsOtherwise({ running, after }: ExplainedChange): boolean {
  return running !== undefined && !holds(running, after);
}

function containersOf(pod: Pod | undefined): Container[] {
  const { containers, initContainers, ephemeralContainers } = pod?.spec ?? {};
  return [containers, initContainers, ephemeralContainers].flatMap((list) => list ?? []);
}

function hasSomething({ changes, violations, skips }: ExplainedRule): boolean {
  return changes.length > 0 || violations.length > 0 || skips.length > 0;
}

/** Why the webhook does not write what is explained. */
function notWritten({ mode, outcome, because, changes }: PreviewResult): string | null {
  if (because !== null) return changes.length === 0 ? because : `${because}; its pods are hardened`;
  if (outcome === 'denied') return 'the policy refuses the object, for what is marked denied';
  if (changes.length === 0) return null;
  if (mode === 'audit') return 'mode audit: the webhook changes nothing; this is what enforce would do';
  return outcome === 'reported'
    ? 'templates: Warn: the template stays as it is, and its pods get this'
    : null;
}
