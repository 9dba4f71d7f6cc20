import type { HardenInput } from '../hardening/podDraft.js';
import {
  locatePodOf,
  podAt,
  WORKLOAD_KINDS,
  type LocatedPod,
  type WorkloadKind,
} from '../hardening/locate.js';
import { controllerOf, type ObjectMeta } from '../hardening/podSpec.js';
import { sameJson } from '../hardening/sameJson.js';
import { validatePod, type FieldIssue } from '../hardening/validatePod.js';
import { InvalidObjectError } from './invalidObjectError.js';
import type { AdmissionRequest, KubernetesObject, UserInfo } from './types.js';

/** An object in scope: where its pod is, and what the engine has to know around it. */
export interface Subject {
  readonly object: KubernetesObject;
  readonly located: LocatedPod;
  readonly input: HardenInput;
}

export interface OutOfScope {
  readonly because: string;
}

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/**
 * Decides whether a request is about something that is hardened: which object, which operation (RULES, "Which objects").
 *
 * @throws InvalidObjectError where a field that hardening reads has the wrong type
 */
export function scopeOf(request: AdmissionRequest): Subject | OutOfScope {
  const { kind, operation, subResource } = request;
  const object = request.object;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return { because: `operation ${operation}` };
  if (!object) return { because: 'no object' };
  const located = locatePodOf(kind.group, kind.kind, object);
  if (!located) {
    const isWorkload = (WORKLOAD_KINDS as readonly string[]).includes(kind.kind);
    return { because: isWorkload ? `${kind.kind} without a pod spec` : `kind ${kind.kind} is no workload` };
  }
  const tooMany = tooManyContainers(located);
  if (tooMany.length > 0) throw new InvalidObjectError(tooMany);
  const own = located.isTemplate ? metadataIssues(object) : [];
  const issues = own.concat(validatePod(located.pod, located.base));
  if (issues.length > 0) throw new InvalidObjectError(issues);

  if (subResource === 'ephemeralcontainers') return ephemeralSubject(request, object, located);
  if (subResource) return { because: `subresource ${subResource}` };
  return located.isTemplate
    ? templateSubject(request, object, located)
    : podSubject(request, object, located);
}

/**
 * Of each list of containers. etcd takes 1.5 MiB, and one is stored in more than 200 bytes, its field manager's included:
 * no cluster can hold a pod with more. But a webhook is asked before that is found out, and a decision on the 770,000
 * that its body has room for takes a minute, in which nobody else is answered.
 */
export const CONTAINERS_MAX = 10_000;

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** Looked at before all else, since to look at each takes its time too. */
function tooManyContainers({ pod, base }: LocatedPod): FieldIssue[] {
  const issues: FieldIssue[] = [];
  for (const list of CONTAINER_LISTS) {
    const found: unknown = pod.spec[list];
    if (!Array.isArray(found) || found.length <= CONTAINERS_MAX) continue;
    const message = `${found.length} are more than a pod has room for; at most ${CONTAINERS_MAX} are looked at`;
    issues.push({ path: [...base, 'spec', list], message });
  }
  return issues;
}

/** The object's own metadata, which for a template is not the pod's. */
function metadataIssues({ metadata }: KubernetesObject): FieldIssue[] {
  return metadata === undefined || metadata === null ? [] : validatePod({ metadata, spec: {} }, []);
}

function podSubject(
  request: AdmissionRequest,
  object: KubernetesObject,
  located: LocatedPod,
): Subject | OutOfScope {
  // A Pod's securityContext is immutable afterwards, and patching updates leaves Pods stuck terminating.
  if (request.operation !== 'CREATE') return { because: 'a Pod is hardened when it is created' };
  const metadata = object.metadata;
  if (isMirror(metadata) && isNode(request.userInfo)) return { because: 'a mirror pod' };
  const owner = controllerOf(metadata);
  return {
    object,
    located,
    input: {
      pod: located.pod,
      scope: 'pod',
      bare: owner === undefined,
      daemonSet: owner?.kind === 'DaemonSet' && isTrusted(request.userInfo),
    },
  };
}

function templateSubject(
  request: AdmissionRequest,
  object: KubernetesObject,
  located: LocatedPod,
): Subject | OutOfScope {
  if (controllerOf(object.metadata)) {
    // A changed ReplicaSet no longer matches its Deployment, which then makes another, without end.
    return { because: `a ${located.kind} that a controller owns` };
  }
  if (request.operation === 'UPDATE') {
    if (located.kind === 'Job') return { because: "a Job's template is immutable" };
    const old = podAt(request.oldObject, located.base);
    if (old && sameJson(old, located.pod)) return { because: 'the pod template is unchanged' };
  }
  return { object, located, input: templateInput(located) };
}

/** A template as its pods will be: they have a controller, and a StatefulSet's claims become volumes. */
export function templateInput(located: LocatedPod): HardenInput {
  const kind: WorkloadKind = located.kind;
  return {
    pod: located.pod,
    scope: 'template',
    bare: false,
    daemonSet: kind === 'DaemonSet',
    reservedVolumeNames: located.volumeClaimTemplates,
  };
}

/**
 * The same where the object itself is written to. A Job's template is as immutable as a Pod: with another list than its
 * author's, the next `kubectl apply` of the manifest is refused ("field is immutable", measured). Its pods, which nobody
 * applies again, are hardened in full when they come.
 */
export function writtenInput({ located, input }: Subject): HardenInput {
  return located.kind === 'Job' ? { ...input, bare: true } : input;
}

function ephemeralSubject(
  request: AdmissionRequest,
  object: KubernetesObject,
  located: LocatedPod,
): Subject | OutOfScope {
  if (isMirror(object.metadata) && isNode(request.userInfo)) return { because: 'a mirror pod' };
  const before = podAt(request.oldObject, [])?.spec.ephemeralContainers ?? [];
  const known = new Set(before.map(({ name }) => name));
  const added = new Set<number>();
  located.pod.spec.ephemeralContainers?.forEach(({ name }, index) => {
    if (!known.has(name)) added.add(index);
  });
  if (added.size === 0) return { because: 'no ephemeral container is added' };
  return {
    object,
    located,
    input: {
      pod: located.pod,
      scope: 'ephemeralContainers',
      bare: false,
      daemonSet: false,
      addedEphemeral: added,
    },
  };
}

function isMirror(metadata: ObjectMeta | null | undefined): boolean {
  return Object.hasOwn(metadata?.annotations ?? {}, MIRROR_ANNOTATION);
}

/**
 * Whether what a pod says of its owner can be believed. Annotations and ownerReferences are the author's to write, and
 * must not be a way out; nodes and the cluster's own controllers are believed.
 */
function isTrusted(user: UserInfo | undefined): boolean {
  return (
    isNode(user) ||
    user?.username === 'system:kube-controller-manager' ||
    user?.username?.startsWith('system:serviceaccount:kube-system:') === true
  );
}

/**
 * Who may say of a pod that it is the mirror of one on a node. No controller may: it copies a template's annotations,
 * which the author wrote. Without userInfo (the preview) there is nobody to doubt.
 */
function isNode(user: UserInfo | undefined): boolean {
  const { username, groups = [] } = user ?? {};
  if (username === undefined && groups.length === 0) return true;
  return groups.includes('system:nodes') || groups.includes('system:masters');
}
