import type { LimitRangeItem } from '../../../src/hardening/plan.js';
import type { Container, ResourceRequirements } from '../../../src/hardening/podSpec.js';
import { parseQuantity, type Quantity } from '../../../src/hardening/quantity.js';
import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.containers[0].resources';
const one = (resources: ResourceRequirements, more: Partial<Container> = {}) =>
  pod({ containers: [container({ resources, ...more })] });

/** The fields of one container, by request and limit of cpu and memory. */
const set = (fields: Record<string, string>, at = FIELD): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [`${at}.${field}`, value]));
const FULL = {
  'requests.cpu': '100m',
  'limits.cpu': '1',
  'requests.memory': '128Mi',
  'limits.memory': '512Mi',
};
const MEMORY = { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } };
const CPU = { requests: { cpu: '1' }, limits: { cpu: '1' } };

const quantities = (list: Record<string, string> = {}): Map<string, Quantity> =>
  new Map(Object.entries(list).map(([name, value]) => [name, parseQuantity(value) ?? 0n]));
const limitRange = (
  type: LimitRangeItem['type'],
  {
    max,
    min,
    ratio,
  }: { max?: Record<string, string>; min?: Record<string, string>; ratio?: Record<string, string> },
): LimitRangeItem => ({
  type,
  max: quantities(max),
  min: quantities(min),
  maxLimitRequestRatio: quantities(ratio),
});

describe('resources', () => {
  itHardens('resources', [
    { title: 'sets requests and limits that are missing', pod: pod(), set: set(FULL) },
    {
      title: 'sets them for init containers, sidecars and on Windows',
      pod: pod({ os: { name: 'windows' }, containers: [], initContainers: [container()] }),
      valid: false,
      set: set(FULL, 'spec.initContainers[0].resources'),
    },
    {
      title: 'lets what is complete be',
      pod: one({ requests: { cpu: 1, memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } }),
      action: 'Deny',
    },
    {
      title: 'leaves an unset request beside a limit: the API server makes them equal',
      pod: one({ limits: { cpu: '50m', memory: '64Mi' } }),
      skipped: ['web: RequestDefaultsToLimit', 'web: RequestDefaultsToLimit'],
    },
    {
      title: 'makes a missing limit the default where the request is below it, in any notation',
      pod: one({ requests: { cpu: '0.5', memory: '12e6' } }),
      set: set({ 'limits.cpu': '1', 'limits.memory': '512Mi' }),
    },
    {
      title: 'makes a missing limit the request where that is above the default',
      pod: one({ requests: { cpu: '1001m', memory: '0.5Gi' } }),
      set: set({ 'limits.cpu': '1001m', 'limits.memory': '512Mi' }),
    },
    {
      title: 'compares exactly: 512Mi is not 512M',
      pod: one({ requests: { cpu: '1000m', memory: '536870913' } }),
      set: set({ 'limits.cpu': '1', 'limits.memory': '536870913' }),
    },
    {
      title: 'takes a null for unset',
      pod: one({ requests: { cpu: null as unknown as string }, limits: null }),
      valid: false,
      set: set(FULL),
    },
    {
      title: 'leaves hugepages, extended resources and claims as they are',
      pod: one({
        limits: { 'nvidia.com/gpu': 1, memory: '1Gi', cpu: '1' },
        requests: { memory: '1Gi', cpu: '1' },
      }),
    },
    {
      title: 'sets ephemeral-storage where the policy does',
      pod: one({
        ...CPU,
        ...MEMORY,
        requests: { cpu: '1', memory: '1Gi' },
        limits: { cpu: '1', memory: '1Gi' },
      }),
      settings: { requests: { 'ephemeral-storage': '1Gi' }, limits: { 'ephemeral-storage': '2Gi' } },
      set: set({ 'requests.ephemeral-storage': '1Gi', 'limits.ephemeral-storage': '2Gi' }),
    },
    {
      title: 'sets only what the policy names',
      pod: pod(),
      settings: { requests: {}, limits: { memory: '1Gi' } },
      set: set({ 'limits.memory': '1Gi' }),
    },
    {
      title: 'Override does nothing more',
      pod: one({ requests: { cpu: '5' }, limits: { cpu: '9' } }),
      action: 'Override',
      set: set({ 'requests.memory': '128Mi', 'limits.memory': '512Mi' }),
    },
    {
      title: 'Warn reports what is missing',
      pod: one(CPU),
      action: 'Warn',
      violated: [`${FIELD}.requests.memory`, `${FIELD}.limits.memory`],
    },
    {
      title: 'Deny refuses what is missing',
      pod: one(CPU),
      action: 'Deny',
      violated: [`${FIELD}.requests.memory (denied)`, `${FIELD}.limits.memory (denied)`],
    },
    { title: 'Disabled does not run', pod: pod(), action: 'Disabled' },
    {
      title: 'is reported as opted out once',
      pod: pod(),
      labels: { resources: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception lifts it from one of two containers',
      pod: pod({ containers: [container(), container({ name: 'side' })] }),
      exceptions: [{ rules: ['resources'], containers: ['side'] }],
      set: set(FULL),
      skipped: ['side: Excepted'],
    },
    {
      title: 'is held back for unknown images under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    {
      title: 'leaves a pod with resources of its own',
      pod: pod({ resources: { limits: { cpu: '2' } } }),
      skipped: ['PodLevelResources'],
    },
    {
      title: 'Deny asks for the limits that neither the pod nor each of its containers has',
      pod: pod({
        resources: { requests: { cpu: '1m' }, limits: { cpu: '1' } },
        containers: [container(), container({ name: 'b', resources: MEMORY })],
      }),
      action: 'Deny',
      violated: ['spec.resources.limits.memory (denied)'],
      skipped: ['PodLevelResources'],
    },
    {
      title:
        'Deny asks none of a container that an exception is for, and ephemeral-storage of each container',
      pod: pod({
        resources: { limits: { cpu: '1' } },
        containers: [container(), container({ name: 'b', resources: MEMORY })],
      }),
      action: 'Deny',
      settings: { limits: { cpu: '1', memory: '512Mi', 'ephemeral-storage': '1Gi' } },
      exceptions: [{ rules: ['resources'], containers: ['web'] }],
      violated: ['spec.containers[1].resources.limits.ephemeral-storage (denied)'],
      skipped: ['PodLevelResources'],
    },
    {
      title: 'Deny has nothing to say of a pod that is limited by itself or by all its containers',
      pod: pod({ resources: { limits: { cpu: '1' } }, containers: [container({ resources: MEMORY })] }),
      action: 'Deny',
      skipped: ['PodLevelResources'],
    },
    {
      title: 'does not take empty resources on the pod for any',
      pod: pod({ resources: { limits: {} } }),
      set: set(FULL),
    },
    {
      title: 'leaves ephemeral containers, which may not have any',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      skipped: ['debug: EphemeralContainer'],
    },
    {
      title: 'has nothing to do in a pod without containers',
      pod: pod({ containers: [] }),
      valid: false,
      quotaByQos: true,
    },
  ]);

  describe('under a quota by QoS', () => {
    const quota = { quotaByQos: true };
    itHardens('resources', [
      { title: 'leaves a pod that names no resource', pod: pod(), ...quota, skipped: ['QuotaScope'] },
      {
        title: 'leaves one that names only resources that do not count for the QoS class',
        pod: one({ limits: { 'nvidia.com/gpu': 1 }, requests: { 'ephemeral-storage': '1Gi', cpu: '0' } }),
        valid: false,
        ...quota,
        skipped: ['QuotaScope'],
      },
      {
        title: 'hardens a pod as soon as one container names one',
        pod: pod({
          containers: [
            container({ resources: { ...CPU } }),
            container({
              name: 'b',
              resources: { requests: { cpu: '1', memory: '1' }, limits: { cpu: '1', memory: '1' } },
            }),
          ],
        }),
        ...quota,
        set: set({ 'requests.memory': '128Mi', 'limits.memory': '512Mi' }),
      },
    ]);
  });

  describe('with LimitRanges', () => {
    const within = (item: LimitRangeItem, ...more: LimitRangeItem[]) => ({ limitRanges: [item, ...more] });
    itHardens('resources', [
      {
        title: 'brings defaults down to max',
        pod: one(CPU),
        ...within(limitRange('Container', { max: { memory: '100Mi' } })),
        set: set({ 'requests.memory': '104857600', 'limits.memory': '104857600' }),
      },
      {
        title: 'brings defaults up to min',
        pod: one(MEMORY),
        ...within(limitRange('Container', { min: { cpu: '1500m' } })),
        set: set({ 'requests.cpu': '1500m', 'limits.cpu': '1500m' }),
      },
      {
        title: 'keeps the ratio of limit to request',
        pod: one(MEMORY),
        ...within(limitRange('Container', { ratio: { cpu: '2' } })),
        set: set({ 'requests.cpu': '100m', 'limits.cpu': '200m' }),
      },
      {
        title: 'obeys every LimitRange of the namespace',
        pod: one(MEMORY),
        ...within(
          limitRange('Container', { max: { cpu: '2' } }),
          limitRange('Container', { max: { cpu: '300m' } }),
        ),
        set: set({ 'requests.cpu': '100m', 'limits.cpu': '300m' }),
      },
      {
        title: 'leaves a request above max alone: no limit would do',
        pod: one({ ...MEMORY, requests: { memory: '1Gi', cpu: '3' } }),
        ...within(limitRange('Container', { max: { cpu: '2' } })),
        skipped: ['web: ApiWouldReject'],
      },
      {
        title: 'leaves it where min is above max',
        pod: one(MEMORY),
        ...within(
          limitRange('Container', { min: { cpu: '3' } }),
          limitRange('Container', { max: { cpu: '2' } }),
        ),
        skipped: ['web: ApiWouldReject'],
      },
      {
        title: 'leaves all containers where their limits together would pass the Pod’s max',
        pod: pod({
          containers: [container({ resources: MEMORY }), container({ name: 'b', resources: MEMORY })],
        }),
        ...within(limitRange('Pod', { max: { cpu: '1900m' } })),
        skipped: ['web: ApiWouldReject', 'b: ApiWouldReject'],
      },
      {
        title: 'sets them where they just fit',
        pod: pod({
          containers: [
            container({ resources: MEMORY }),
            container({
              name: 'b',
              resources: {
                limits: { ...MEMORY.limits, cpu: '1' },
                requests: { ...MEMORY.requests, cpu: '1' },
              },
            }),
          ],
        }),
        ...within(limitRange('Pod', { max: { cpu: '2' } })),
        set: set({ 'requests.cpu': '100m', 'limits.cpu': '1' }),
      },
      {
        title: 'counts init containers one by one, not together',
        pod: pod({
          initContainers: [
            container({ name: 'a', resources: MEMORY }),
            container({ name: 'b', resources: MEMORY }),
          ],
          containers: [container({ resources: MEMORY })],
        }),
        ...within(limitRange('Pod', { max: { cpu: '1' } })),
        set: {
          ...set({ 'requests.cpu': '100m', 'limits.cpu': '1' }, 'spec.initContainers[0].resources'),
          ...set({ 'requests.cpu': '100m', 'limits.cpu': '1' }, 'spec.initContainers[1].resources'),
          ...set({ 'requests.cpu': '100m', 'limits.cpu': '1' }),
        },
      },
      {
        title: 'counts an init container beside the sidecars that started before it',
        pod: pod({
          initContainers: [
            container({ name: 'proxy', restartPolicy: 'Always', resources: MEMORY }),
            container({
              name: 'big',
              resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '2', memory: '1Gi' } },
            }),
          ],
          containers: [container({ resources: MEMORY })],
        }),
        ...within(limitRange('Pod', { max: { cpu: '2500m' } })),
        skipped: ['proxy: ApiWouldReject', 'web: ApiWouldReject'],
      },
      {
        title: 'leaves all containers where their limits together would be below the Pod’s min',
        pod: pod({
          containers: [
            container({ resources: { ...CPU, requests: { cpu: '1', memory: '2Gi' } } }),
            container({ name: 'b', resources: CPU }),
          ],
        }),
        exceptions: [{ rules: ['resources'], containers: ['web'] }],
        ...within(limitRange('Pod', { min: { memory: '1Gi' } })),
        skipped: ['web: ApiWouldReject', 'b: ApiWouldReject'],
      },
      {
        title: 'sets limits that are the Pod’s min together',
        pod: pod({
          containers: ['web', 'b'].map((name) =>
            container({ name, resources: { ...CPU, requests: { cpu: '1', memory: '512Mi' } } }),
          ),
        }),
        ...within(limitRange('Pod', { min: { memory: '1Gi' } })),
        set: {
          ...set({ 'limits.memory': '512Mi' }),
          ...set({ 'limits.memory': '512Mi' }, 'spec.containers[1].resources'),
        },
      },
      {
        title: 'leaves all containers where their limits together would pass the Pod’s ratio',
        pod: pod({
          containers: [
            container({ resources: MEMORY }),
            container({
              name: 'b',
              resources: {
                limits: { ...MEMORY.limits, cpu: '1' },
                requests: { ...MEMORY.requests, cpu: '1' },
              },
            }),
          ],
        }),
        // (1 + 1) / (0.1 + 1)
        ...within(limitRange('Pod', { ratio: { cpu: '1818m' } })),
        skipped: ['web: ApiWouldReject'],
      },
      {
        title: 'sets them within the Pod’s ratio, where a request that is missing is as large as its limit',
        pod: pod({
          containers: [
            container({ resources: MEMORY }),
            container({ name: 'b', resources: { limits: { ...MEMORY.limits, cpu: '1' } } }),
          ],
        }),
        ...within(limitRange('Pod', { ratio: { cpu: '1819m' } })),
        set: set({ 'requests.cpu': '100m', 'limits.cpu': '1' }),
        skipped: ['b: RequestDefaultsToLimit', 'b: RequestDefaultsToLimit'],
      },
    ]);
  });
});
