import fastJsonPatch from 'fast-json-patch';
import type { KubernetesObject } from '../admission/types.js';
import { harden } from '../hardening/harden.js';
import { toPatch } from '../hardening/patch.js';
import type { Plan } from '../hardening/plan.js';
import type { Container, ObjectMeta, Pod, PodSpec } from '../hardening/podSpec.js';
import { ruleIds, type RuleId, type Violation } from '../hardening/rule.js';
import { withoutLastingVolumes, type LeftOutVolume } from './verifyVolumes.js';

const { applyPatch, deepClone } = fastJsonPatch;

/** By which copies are found, should one be left behind: `kubectl delete pod -A -l kube-harden.io/learn-verify`. */
export const COPY_LABEL = 'kube-harden.io/learn-verify';

/** What a copy is made of. */
export interface CopySource {
  /** The pod that was looked at, as the API server has it. */
  readonly running: KubernetesObject & Pod;
  /** As its controller makes it; the running pod itself where it has none, or that may not be read. */
  readonly template: Pod;
  /** Of the pod's controller; undefined of a bare pod. */
  readonly controllerKind: string | undefined;
  /** Names that a StatefulSet's volumeClaimTemplates give to volumes. */
  readonly claims: readonly string[];
}

export interface HardenedCopy {
  /** To be created. */
  readonly pod: CopyPod;
  /** The same pod without hardening: what its author would have written. */
  readonly author: CopyPod;
  /** Rules that changed it, in catalogue order. */
  readonly changed: readonly RuleId[];
  /** What the policy would refuse the pod for: then the cluster does not take it either. */
  readonly denied: readonly Violation[];
  readonly leftOut: readonly LeftOutVolume[];
  /** What else of the original the copy does without, and so does not test; a phrase each. */
  readonly untested: readonly string[];
}

export type CopyPod = KubernetesObject & Pod & { readonly metadata: ObjectMeta & { readonly name: string } };

/** A pod's annotations reach others (sidecar injectors, fixed addresses): only what confines it is kept. */
const KEPT_ANNOTATIONS =
  /^(?:container\.apparmor\.security\.beta|(?:container\.)?seccomp\.security\.alpha)\.kubernetes\.io\//;

/** Of a pod's spec: what ties it to the original's place in the cluster, or lets it take another's. */
const LEFT_OUT_FIELDS: readonly string[] = [
  'nodeName',
  'subdomain',
  'readinessGates',
  'schedulingGates',
  'topologySpreadConstraints',
  'priority',
  'priorityClassName',
  'preemptionPolicy',
  'resourceClaims',
  'workloadRef',
  'hostNetwork',
  'ephemeralContainers',
  'serviceAccount',
  'activeDeadlineSeconds',
];

/**
 * A hardened pod to be created beside the original, which nobody can take for one of the original's: no labels and no
 * owner of it (a ReplicaSet would adopt the pod and delete one of the two; a Service would send it traffic), no volume
 * that outlives it, no port of the node.
 *
 * It is hardened as the original would be, with its volumes and labels, and only then they go: rules look at them.
 *
 * @param deadlineSeconds after which the kubelet ends the copy, whatever has become of us
 */
export function hardenedCopy(
  source: CopySource,
  plan: Plan,
  { name, deadlineSeconds }: { readonly name: string; readonly deadlineSeconds: number },
): HardenedCopy {
  const { running, template, controllerKind, claims } = source;
  const original: KubernetesObject & Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, namespace: running.metadata?.namespace },
    spec: template.spec,
  };
  const { changes, violations } = harden(
    {
      pod: original,
      scope: 'pod',
      bare: controllerKind === undefined,
      daemonSet: controllerKind === 'DaemonSet',
      reservedVolumeNames: claims,
    },
    plan,
  );
  const hardened = applyPatch<KubernetesObject & Pod>(
    deepClone(original) as KubernetesObject & Pod,
    toPatch(original, [], changes),
    false,
    false,
  ).newDocument;
  const place = { name, deadlineSeconds, nodeName: running.spec.nodeName ?? undefined, claims };
  const { pod, leftOut } = placed(hardened, place);
  return {
    pod,
    author: placed(original, place).pod,
    changed: ruleIds(changes),
    denied: violations.filter(({ denied }) => denied === true),
    leftOut,
    untested: untestedOf(original.spec),
  };
}

interface Place {
  readonly name: string;
  readonly deadlineSeconds: number;
  readonly nodeName: string | undefined;
  readonly claims: readonly string[];
}

/** The pod as one of its own. */
function placed(
  { metadata, spec }: Pod,
  { name, deadlineSeconds, nodeName, claims }: Place,
): { readonly pod: CopyPod; readonly leftOut: readonly LeftOutVolume[] } {
  const annotations = Object.entries(metadata?.annotations ?? {}).filter(([key]) =>
    KEPT_ANNOTATIONS.test(key),
  );
  const { spec: withoutData, leftOut } = withoutLastingVolumes(spec, claims);
  const own = Object.fromEntries(
    Object.entries(withoutData).filter(([field]) => !LEFT_OUT_FIELDS.includes(field)),
  );
  const pod: CopyPod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(metadata?.namespace != null && { namespace: metadata.namespace }),
      labels: { [COPY_LABEL]: 'true' },
      ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
    },
    spec: {
      ...own,
      ...(withoutData.initContainers && { initContainers: withoutData.initContainers.map(withoutPlace) }),
      ...(withoutData.containers && { containers: withoutData.containers.map(withoutPlace) }),
      // Its image is there, and its kernel and runtime are those of the original.
      ...(nodeName !== undefined && { nodeName }),
      activeDeadlineSeconds: deadlineSeconds,
    },
  };
  return { pod, leftOut };
}

/** Without ports of the node, which the original has, and without devices that a scheduler would have to allot. */
function withoutPlace(container: Container): Container {
  const { ports, resources, ...rest } = container;
  const { claims, ...amounts } = resources ?? {};
  return {
    ...rest,
    ...(ports && { ports: ports.map(({ hostPort: _, ...port }) => port) }),
    ...(resources && { resources: claims === undefined ? resources : amounts }),
  };
}

function untestedOf(spec: PodSpec): string[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const hasHostPort = containers.some(
    ({ ports }) => ports?.some(({ hostPort }) => (hostPort ?? 0) > 0) ?? false,
  );
  const has = (field: string): boolean => {
    const value = spec[field];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== false;
  };
  return [
    ...(has('hostNetwork') ? ["the node's network (hostNetwork)"] : []),
    ...(hasHostPort && !has('hostNetwork') ? ["the node's ports (hostPort)"] : []),
    ...(has('readinessGates') ? ['readiness gates'] : []),
    ...(has('resourceClaims') ? ['resource claims'] : []),
  ];
}

/** A pod's name is its hostname, which has at most 63 characters. */
const NAME_MAX = 63;

/**
 * A name for a copy. The ordinal of a StatefulSet's pod stays at the end, where programs look for it.
 *
 * @param id a few characters that no other copy has
 */
export function copyName(original: string, id: string): string {
  const [, base = original, ordinal = ''] = /^(.+?)(-\d+)?$/.exec(original) ?? [];
  const end = `-learn-${id}${ordinal}`;
  return `${base.slice(0, Math.max(0, NAME_MAX - end.length)).replace(/[-.]+$/, '')}${end}`;
}
