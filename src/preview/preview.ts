import type { Operation } from 'fast-json-patch';
import type { AdmissionRequest, Decision, KubernetesObject } from '../admission/types.js';
import { decide, patchFor } from '../admission/decide.js';
import { templateInput } from '../admission/scope.js';
import { optOutCommand } from '../admission/text.js';
import { fieldPath } from '../hardening/fieldPath.js';
import { locatePodOf, type LocatedPod } from '../hardening/locate.js';
import { toPatch } from '../hardening/patch.js';
import type { Plan } from '../hardening/plan.js';
import type { Pod } from '../hardening/podSpec.js';
import type { Change, ContainerRef, Path, RuleId } from '../hardening/rule.js';
import { RULES_BY_ID } from '../hardening/rules/index.js';
import { evaluatePodSecurity } from '../podSecurity/evaluate.js';
import { NEWEST_MINOR, podSecurityVersion } from '../podSecurity/version.js';
import { ImageKnowledge } from './imageKnowledge.js';
import type { Manifest } from './manifests.js';
import { patched } from './patched.js';
import type {
  PreviewChange,
  PreviewPodSecurity,
  PreviewResult,
  PreviewSkip,
  PreviewViolation,
} from './result.js';
import { SKIP_REASONS } from './skipReasons.js';

/** The namespace of an object that names none, where the caller names none either. */
export const DEFAULT_NAMESPACE = 'default';

/** The namespace an object would be created in. */
export function namespaceOf({ object, request }: Manifest, given: string | undefined): string {
  if (request) return request.namespace ?? '';
  const own: unknown = object.metadata?.namespace;
  return typeof own === 'string' && own !== '' ? own : (given ?? DEFAULT_NAMESPACE);
}

export interface Preview {
  readonly result: PreviewResult;
  /** By which it was made. */
  readonly plan: Plan;
  /** What is wrong with the namespace's labels, its policy's name and its exceptions. */
  readonly notices: readonly string[];
  /**
   * What the diff and YAML answers write into the manifest: the hardened fields in the template itself, whatever
   * `templates` says, and in audit mode too (a diff of nothing would not help; a note beside it names the mode). The
   * annotation `kube-harden.io/changed` is left out: it tells what the webhook did, and to a manifest that has the
   * fields already the webhook does nothing.
   */
  readonly edit: readonly Operation[];
  /** Where each of the result's changes stands in the object, with `-` for an item added to a list. */
  readonly changePaths: readonly Path[];
}

/**
 * What hardening does to one object; `validatePod` has found nothing wrong with it.
 *
 * @param podSecurityMinor of the version of the Pod Security Standards to judge by
 */
export function preview(
  manifest: Manifest,
  namespace: string,
  plan: Plan,
  podSecurityMinor = NEWEST_MINOR,
): Preview {
  const { object } = manifest;
  const request = requestOf(manifest, namespace);
  const located = podOf(manifest, namespace);
  const decision = decide(request, plan);
  // Under `templates: Ignore` the template is left alone, but not the pods that it gives. Under `Mutate` a Job's is not given
  // all that its pods are.
  const isOfPods =
    located?.isTemplate === true &&
    (plan.templates === 'Ignore' || (plan.templates === 'Mutate' && located.kind === 'Job'));
  const forPods = isOfPods ? decide(request, { ...plan, templates: 'Warn' }) : decision;
  const { changes } = forPods;
  const pod = located && podThatRuns(located, object);
  const hardened = pod && hardenPod(pod, located, changes, request);
  const { group, version, kind } = request.kind;
  const { name, generateName } = object.metadata ?? {};
  const named = { namespace, kind, name: firstText(name, request.name) };
  const images = located && new ImageKnowledge(located, isDebugging(request), named, plan);
  const result: PreviewResult = {
    source: manifest.source,
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    namespace,
    name: firstText(name, generateName, request.name),
    policy: plan.policy,
    mode: plan.mode,
    outcome: decision.outcome,
    because: decision.because ?? null,
    message: decision.message ?? null,
    patch: decision.patch,
    changes: changes.map((change) => toPreviewChange(change, images)),
    containers: images?.containers ?? [],
    skips: forPods.skips.map((skip) => toPreviewSkip(skip, namespace, plan)),
    violations: forPods.violations.map((violation) => toPreviewViolation(violation, namespace, plan)),
    warnings: decision.warnings,
    podSecurity: pod && hardened ? podSecurity(pod, hardened, podSecurityMinor) : null,
    hardened: hardened ?? null,
  };
  return {
    result,
    plan,
    notices: plan.notices,
    edit: located ? toPatch(object, located.base, changes) : [],
    changePaths: located ? changes.map(({ path }) => [...located.base, ...path]) : [],
  };
}

/** Where a manifest keeps its pod; undefined for a kind that has none. */
export function podOf(manifest: Manifest, namespace: string): LocatedPod | undefined {
  const { kind } = requestOf(manifest, namespace);
  return locatePodOf(kind.group, kind.kind, manifest.object);
}

/** As the API server would ask about the creation of an object; of a review its own request. */
export function requestOf(
  { object, request }: Pick<Manifest, 'object' | 'request'>,
  namespace: string,
): AdmissionRequest {
  if (request) return request;
  const [version = '', group = ''] = String(object.apiVersion).split('/').reverse();
  return {
    uid: 'preview',
    kind: { group, version, kind: String(object.kind) },
    operation: 'CREATE',
    namespace,
    name: object.metadata?.name ?? '',
    object,
    dryRun: true,
  };
}

/** The Pod that a template's controller creates, without what the cluster adds to it. */
function podThatRuns({ pod, isTemplate }: LocatedPod, object: KubernetesObject): KubernetesObject & Pod {
  if (!isTemplate) return { ...object, spec: pod.spec };
  return { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata ?? {}, spec: pod.spec };
}

/** The pod with the changes, and with the annotation that the webhook writes on a pod. */
function hardenPod(
  pod: KubernetesObject & Pod,
  located: LocatedPod,
  changes: readonly Change[],
  request: AdmissionRequest,
): Pod {
  const scope = isDebugging(request) ? ('ephemeralContainers' as const) : ('pod' as const);
  const patch = patchFor(
    {
      object: pod,
      located: { ...located, base: [], isTemplate: false },
      input: { ...templateInput(located), scope },
    },
    changes,
  );
  return patched<Pod>(pod, patch);
}

/** Ephemeral containers are added to a pod, and they alone are looked at. */
function isDebugging({ subResource }: AdmissionRequest): boolean {
  return subResource === 'ephemeralcontainers';
}

function firstText(...words: unknown[]): string {
  return words.find((word): word is string => typeof word === 'string' && word !== '') ?? '';
}

function toPreviewChange(change: Change, images: ImageKnowledge | undefined): PreviewChange {
  const rule = RULES_BY_ID.get(change.rule);
  const risk = rule?.risk ?? 'medium';
  return {
    rule: change.rule,
    container: nameOf(change.container),
    field: fieldPath(change.path),
    before: change.before ?? null,
    after: change.after ?? null,
    reason: change.reason ?? rule?.reason ?? '',
    ...(images?.of(change, risk) ?? { risk, profile: null }),
  };
}

function toPreviewSkip(skip: Decision['skips'][number], namespace: string, plan: Plan): PreviewSkip {
  const reason = SKIP_REASONS[skip.code];
  return {
    rule: skip.rule,
    container: nameOf(skip.container),
    code: skip.code,
    reason: skip.detail === undefined ? reason : `${reason} (${skip.detail})`,
    optOut: commandToOptOut(skip.rule, namespace, plan),
  };
}

function toPreviewViolation(
  violation: Decision['violations'][number],
  namespace: string,
  plan: Plan,
): PreviewViolation {
  const { rule, field, value, detail } = violation;
  const command = commandToOptOut(rule, namespace, plan);
  const change = `${value === undefined ? 'set' : 'change'} ${field}${detail === undefined ? '' : ` (${detail})`}`;
  return {
    rule,
    container: nameOf(violation.container),
    field,
    value: value ?? null,
    denied: violation.denied === true,
    fix:
      command === null
        ? `${change}, or ask for an exception from ${rule} in policy "${plan.policy}"`
        : `${change}, or opt out: ${command}`,
  };
}

/** The command that turns a rule off in a namespace, where a label may and has not done so already. */
function commandToOptOut(rule: RuleId, namespace: string, plan: Plan): string | null {
  const rulePlan = plan.byId[rule];
  if (!rulePlan || rulePlan.optOut === 'Forbidden' || rulePlan.optedOut) return null;
  return optOutCommand(rulePlan, namespace);
}

function nameOf(container: ContainerRef | undefined): string | null {
  return container?.name ?? null;
}

function podSecurity(before: Pod, after: Pod, minor: number): PreviewPodSecurity {
  const { level, blockers } = evaluatePodSecurity(after, minor);
  const version = podSecurityVersion(minor);
  return { version, before: evaluatePodSecurity(before, minor).level, after: level, blockers };
}
