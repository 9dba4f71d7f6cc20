import type { ContainerDraft } from '../containerDraft.js';
import type { LimitRangeItem } from '../plan.js';
import type { PodDraft } from '../podDraft.js';
import type { ResourceList, ResourceRequirements } from '../podSpec.js';
import { formatQuantity, parseQuantity, type Quantity } from '../quantity.js';
import type { Rule } from '../rule.js';
import type { Settings } from './resources.settings.js';

const NAMES = ['cpu', 'memory', 'ephemeral-storage'] as const;
type Name = (typeof NAMES)[number];

/**
 * Default requests and limits, so that one pod can neither starve its neighbours nor be scheduled on hope.
 *
 * Fields: `resources.requests` and `.limits` of every container, for cpu, memory and ephemeral-storage; quantities are
 * compared exactly. Hugepages, extended resources and claims are untouched.
 * Source: k8s.io/kubernetes plugin/pkg/admission/limitranger; core/v1 validation (a request above its limit is refused).
 */
export const resources: Rule<Settings> = {
  id: 'resources',
  title: 'Containers have resource requests and limits',
  reason:
    'Without a limit one container can take all memory and CPU of its node; without a request the scheduler cannot know.',
  risk: 'medium',
  os: 'any',
  actions: ['Default', 'Override', 'Warn', 'Deny', 'Disabled'],
  sets: { Default: 'requests and limits that are missing', Override: 'nothing more' },
  fields: [
    'spec.containers[*].resources.requests[*]',
    'spec.containers[*].resources.limits[*]',
    'spec.initContainers[*].resources.requests[*]',
    'spec.initContainers[*].resources.limits[*]',
  ],

  apply(pod, settings) {
    if (pod.containers.length === 0) return;
    const ofPod = pod.field('resources');
    if (hasEntries(ofPod)) {
      reportMissingLimits(pod, settings, ofPod);
      pod.skip('PodLevelResources');
    } else if (
      pod.plan.quotaByQos &&
      pod.containers.every((container) => !namesQosResource(container.spec.resources))
    ) {
      // Defaults would move the pod from one quota to another, which may refuse it (measured). Only these two count for
      // the QoS class: a pod with a GPU and nothing else is BestEffort too (component-helpers, ComputePodQOS).
      pod.skip('QuotaScope');
    } else {
      for (const name of NAMES) treat(pod, settings, name);
    }
  },
};

function hasEntries(given: ResourceRequirements | undefined | null): boolean {
  const count = (list: ResourceList | undefined | null): number => (list ? Object.keys(list).length : 0);
  return count(given?.requests) > 0 || count(given?.limits) > 0;
}

/**
 * Beside resources of the pod's own none of a container can be filled in: they might be more than the pod's. But a pod that
 * names one of them must not be the way past a demand for the others.
 */
function reportMissingLimits(
  pod: PodDraft,
  settings: Settings,
  ofPod: ResourceRequirements | undefined,
): void {
  if (!pod.stance().reportsUnset) return;
  const counted = pod.containers.filter(
    (container) => !container.isEphemeral && pod.stance(container).heldBack === undefined,
  );
  for (const name of NAMES) {
    if (settings.limits[name] === undefined || entry(ofPod?.limits, name) !== undefined) continue;
    const unlimited = counted.filter(({ spec }) => entry(spec.resources?.limits, name) === undefined);
    if (unlimited.length === 0) continue;
    // Of a pod as a whole the API server takes no ephemeral-storage.
    if (name === 'ephemeral-storage')
      for (const container of unlimited) pod.report(container, ['resources', 'limits', name], undefined);
    else pod.report(undefined, ['spec', 'resources', 'limits', name], undefined);
  }
}

function namesQosResource(given: ResourceRequirements | undefined | null): boolean {
  return [given?.requests, given?.limits].some((list) =>
    ['cpu', 'memory'].some((name) => (parseQuantity(entry(list, name)) ?? 0n) > 0n),
  );
}

interface Wanted {
  readonly container: ContainerDraft;
  readonly request: string | undefined;
  readonly limit: string | undefined;
}

function treat(pod: PodDraft, settings: Settings, name: Name): void {
  if (settings.requests[name] === undefined && settings.limits[name] === undefined) return;
  const wanted: Wanted[] = [];
  for (const container of pod.containers) {
    if (container.isEphemeral) {
      pod.skip('EphemeralContainer', container);
      continue;
    }
    const found = wantedFor(pod, container, settings, name);
    if (found) wanted.push(found);
  }
  const passed = podBoundPassed(pod, wanted, name);
  if (passed !== undefined) {
    for (const { container } of wanted)
      pod.skip('ApiWouldReject', container, `the LimitRange's ${passed} for a Pod, ${name}`);
    return;
  }
  for (const { container, request, limit } of wanted) {
    if (request !== undefined) pod.fill(container, ['resources', 'requests', name], request);
    if (limit !== undefined) pod.fill(container, ['resources', 'limits', name], limit);
  }
}

/** What is missing here and what to fill in, within the namespace's LimitRanges; undefined where nothing is. */
function wantedFor(
  pod: PodDraft,
  container: ContainerDraft,
  settings: Settings,
  name: Name,
): Wanted | undefined {
  const givenRequest = entry(container.spec.resources?.requests, name);
  const givenLimit = entry(container.spec.resources?.limits, name);
  if (givenLimit !== undefined) {
    // The API server sets request = limit; a smaller default would change the pod's QoS class.
    if (givenRequest === undefined && settings.requests[name] !== undefined)
      pod.skip('RequestDefaultsToLimit', container, name);
    return undefined;
  }
  if (givenRequest === undefined && pod.plan.limitRanges.length === 0) {
    return { container, request: settings.requests[name], limit: settings.limits[name] };
  }
  const bounds = pod.plan.limitRanges.filter((item) => item.type === 'Container');
  const request = givenRequest === undefined ? clamp(settings.requests[name], bounds, name) : undefined;
  const asked = givenRequest ?? request;
  const limit = limitFor(settings.limits[name], asked, bounds, name);
  if (limit === IMPOSSIBLE) {
    pod.skip('ApiWouldReject', container, `the namespace's LimitRange, ${name}`);
    return undefined;
  }
  return request === undefined && limit === undefined ? undefined : { container, request, limit };
}

function entry(list: ResourceList | undefined | null, name: string): string | undefined {
  if (!list || !Object.hasOwn(list, name)) return undefined;
  const value = list[name] as string | number | null | undefined;
  return value == null ? undefined : String(value);
}

function clamp(text: string | undefined, bounds: readonly LimitRangeItem[], name: Name): string | undefined {
  if (text === undefined) return undefined;
  let chosen = text;
  for (const { min, max } of bounds) {
    chosen = larger(chosen, min.get(name));
    chosen = smaller(chosen, max.get(name));
  }
  return chosen;
}

/** The larger of default and request, brought within the LimitRanges; IMPOSSIBLE where no limit satisfies them. */
function limitFor(
  text: string | undefined,
  request: string | undefined,
  bounds: readonly LimitRangeItem[],
  name: Name,
): string | undefined | typeof IMPOSSIBLE {
  if (text === undefined) return undefined;
  const asked = parseQuantity(request);
  // The larger of the two as its author wrote it.
  let chosen = asked !== undefined && asked > (parseQuantity(text) ?? 0n) ? (request ?? text) : text;
  for (const { min, max, maxLimitRequestRatio } of bounds) {
    chosen = larger(chosen, min.get(name));
    chosen = smaller(chosen, max.get(name));
    const ratio = maxLimitRequestRatio.get(name);
    // Both are in nanos, so a product has one factor of 10^9 too many.
    if (ratio !== undefined && asked !== undefined) chosen = smaller(chosen, (asked * ratio) / NANOS);
  }
  const limit = parseQuantity(chosen) ?? 0n;
  const tooSmall = bounds.some(({ min }) => limit < (min.get(name) ?? 0n));
  return tooSmall || (asked !== undefined && limit < asked) ? IMPOSSIBLE : chosen;
}

/** No limit satisfies the namespace's LimitRanges. */
const IMPOSSIBLE = Symbol('impossible');
const NANOS = 1_000_000_000n;

function larger(text: string, bound: Quantity | undefined): string {
  return bound !== undefined && bound > (parseQuantity(text) ?? 0n) ? formatQuantity(bound) : text;
}

function smaller(text: string, bound: Quantity | undefined): string {
  return bound !== undefined && bound < (parseQuantity(text) ?? 0n) ? formatQuantity(bound) : text;
}

/** Which bound of a LimitRange for the Pod all containers together would pass, with what is to be filled in. */
function podBoundPassed(
  pod: PodDraft,
  wanted: readonly Wanted[],
  name: Name,
): 'minimum' | 'maximum' | 'ratio' | undefined {
  const bounds = pod.plan.limitRanges.filter(
    ({ type, min, max, maxLimitRequestRatio }) =>
      type === 'Pod' && (min.has(name) || max.has(name) || maxLimitRequestRatio.has(name)),
  );
  if (bounds.length === 0 || wanted.length === 0) return undefined;
  const filled = wanted.filter(({ container }) => pod.stance(container).heldBack === undefined);
  const byContainer = new Map(filled.map((each) => [each.container, each]));
  const limitOf = (container: ContainerDraft): Quantity | undefined =>
    parseQuantity(byContainer.get(container)?.limit ?? entry(container.spec.resources?.limits, name));
  const requestOf = (container: ContainerDraft): Quantity | undefined =>
    parseQuantity(byContainer.get(container)?.request ?? entry(container.spec.resources?.requests, name));
  const limits = together(pod, (container) => limitOf(container) ?? 0n);
  // The API server makes a missing request as large as the limit.
  const requests = together(pod, (container) => requestOf(container) ?? limitOf(container) ?? 0n);
  for (const { min, max, maxLimitRequestRatio } of bounds) {
    const minimum = min.get(name);
    // Of a pod without any limit it is asked about requests alone, and no request that is filled in makes those smaller.
    if (minimum !== undefined && limits > 0n && limits < minimum) return 'minimum';
    const maximum = max.get(name);
    if (maximum !== undefined && (limits > maximum || requests > maximum)) return 'maximum';
    const ratio = maxLimitRequestRatio.get(name);
    if (ratio !== undefined && limits * NANOS > requests * ratio) return 'ratio';
  }
  return undefined;
}

/** What a pod takes: init containers run one by one before the rest, beside the sidecars that have started before them. */
function together(pod: PodDraft, amountOf: (container: ContainerDraft) => Quantity): Quantity {
  let sum = 0n;
  let sidecars = 0n;
  let initial = 0n;
  for (const container of pod.containers) {
    const amount = amountOf(container);
    const isSidecar = container.ref.list === 'initContainers' && container.spec.restartPolicy === 'Always';
    if (isSidecar) sidecars += amount;
    if (isSidecar || container.ref.list === 'containers') sum += amount;
    else if (amount + sidecars > initial) initial = amount + sidecars;
  }
  return sum > initial ? sum : initial;
}
