import type { NodeSelectorTerm, Toleration } from '../../../src/hardening/podSpec.js';
import { container, itHardens, pod } from '../../support/harden.js';

const SELECTOR = 'spec.nodeSelector';
const TOLERATIONS = 'spec.tolerations[]';
const TERMS = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
const TENANT: Toleration = { key: 'tenant', operator: 'Equal', value: 'shop', effect: 'NoSchedule' };
const REQUIREMENT = { key: 'tenant', operator: 'In', values: ['shop'] };
const ZONE = { key: 'zone', operator: 'Exists' };

const nodes = { nodeSelector: { tenant: 'shop' } };
const tolerations = { tolerations: [TENANT] };
const affinity = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [REQUIREMENT] }],
    },
  },
};
const required = (...nodeSelectorTerms: NodeSelectorTerm[]) =>
  pod({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  });
const DEFAULTED: Toleration[] = ['not-ready', 'unreachable'].map((name) => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

describe('scheduling', () => {
  itHardens('scheduling', [
    { title: 'does nothing without settings', pod: pod() },
    {
      title: 'sets the policy’s nodeSelector keys',
      pod: pod(),
      settings: nodes,
      set: { [`${SELECTOR}.tenant`]: 'shop' },
    },
    {
      title: 'sets a key with a slash beside the author’s',
      pod: pod({ nodeSelector: { disk: 'ssd' } }),
      settings: { nodeSelector: { 'example.com/tenant': 'shop' } },
      set: { [`${SELECTOR}["example.com/tenant"]`]: 'shop' },
    },
    {
      title: 'has nothing to do where the key has that value',
      pod: pod({ nodeSelector: { tenant: 'shop' } }),
      settings: nodes,
      action: 'Deny',
    },
    {
      title: 'the author’s key wins, and the conflict is reported',
      pod: pod({ nodeSelector: { tenant: 'other' } }),
      settings: nodes,
      violated: [`${SELECTOR}.tenant = "other"`],
    },
    {
      title: 'Override replaces a conflicting value',
      pod: pod({ nodeSelector: { tenant: 'other' } }),
      settings: nodes,
      action: 'Override',
      set: { [`${SELECTOR}.tenant`]: 'shop' },
    },
    {
      title: 'Warn reports a key that is not there',
      pod: pod(),
      settings: nodes,
      action: 'Warn',
      violated: [`${SELECTOR}.tenant`],
    },
    {
      title: 'Deny refuses a conflict',
      pod: pod({ nodeSelector: { tenant: 'other' } }),
      settings: nodes,
      action: 'Deny',
      violated: [`${SELECTOR}.tenant = "other" (denied)`],
    },
    { title: 'Disabled does not run', pod: pod(), settings: nodes, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      settings: nodes,
      labels: { scheduling: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'an exception that matches every container lifts it',
      pod: pod(),
      settings: nodes,
      exceptions: [{ rules: ['scheduling'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'one for a single container does not',
      pod: pod({ containers: [container(), container({ name: 'side' })] }),
      settings: nodes,
      exceptions: [{ rules: ['scheduling'], containers: ['side'] }],
      set: { [`${SELECTOR}.tenant`]: 'shop' },
    },
    {
      title: 'leaves a DaemonSet’s pod alone',
      pod: pod(),
      settings: nodes,
      daemonSet: true,
      skipped: ['DaemonSetPod'],
    },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod(),
      settings: nodes,
      scope: 'ephemeralContainers',
      action: 'Deny',
    },
    {
      title: 'is held back for unknown images under Safe',
      pod: pod(),
      settings: nodes,
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
    },

    { title: 'adds a toleration', pod: pod(), settings: tolerations, set: { [TOLERATIONS]: [TENANT] } },
    {
      title: 'adds it to a list',
      pod: pod({ tolerations: DEFAULTED }),
      settings: tolerations,
      set: { [TOLERATIONS]: [TENANT] },
    },
    {
      title: 'adds it once, however it is written',
      pod: pod({ tolerations: [{ key: 'tenant', value: 'shop', effect: 'NoSchedule' }] }),
      settings: tolerations,
    },
    {
      title: 'adds it where another differs',
      pod: pod({ tolerations: [{ key: 'tenant', operator: 'Exists' }] }),
      settings: tolerations,
      set: { [TOLERATIONS]: [TENANT] },
    },
    {
      title: 'leaves a bare pod’s own list: the next apply would fail',
      pod: pod({ tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
      bare: true,
      settings: tolerations,
      skipped: ['BarePod'],
    },
    {
      title: 'adds it on a bare pod that has only what the API server has put there',
      pod: pod({ tolerations: DEFAULTED }),
      bare: true,
      settings: tolerations,
      set: { [TOLERATIONS]: [TENANT] },
    },
    {
      title: 'Warn reports each that is missing',
      pod: pod(),
      settings: tolerations,
      action: 'Warn',
      violated: [TOLERATIONS],
    },

    {
      title: 'adds node affinity',
      pod: pod(),
      settings: affinity,
      set: { [`${TERMS}[]`]: [{ matchExpressions: [REQUIREMENT] }] },
    },
    {
      title: 'puts it into each of the author’s terms, which are OR-ed',
      pod: required(
        { matchExpressions: [ZONE] },
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
      ),
      settings: affinity,
      set: {
        [`${TERMS}[0].matchExpressions[]`]: [REQUIREMENT],
        [`${TERMS}[1].matchExpressions[]`]: [REQUIREMENT],
      },
    },
    {
      title: 'puts several expressions into a term that has none yet',
      pod: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }),
      settings: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [REQUIREMENT, ZONE] }],
          },
        },
      },
      set: { [`${TERMS}[0].matchExpressions[]`]: [REQUIREMENT, ZONE] },
    },
    {
      title: 'has nothing to do where every term has it',
      pod: required({ matchExpressions: [ZONE, REQUIREMENT] }),
      settings: affinity,
      action: 'Deny',
    },
    {
      title: 'leaves an empty term, which matches no node',
      pod: required({}, { matchExpressions: [ZONE] }),
      settings: affinity,
      set: { [`${TERMS}[1].matchExpressions[]`]: [REQUIREMENT] },
    },
    {
      title: 'leaves a bare pod’s own terms',
      pod: required({ matchExpressions: [ZONE] }),
      bare: true,
      settings: affinity,
      skipped: ['BarePod'],
    },
    {
      title: 'Override adds to them on a bare pod',
      pod: required({ matchExpressions: [ZONE] }),
      bare: true,
      settings: affinity,
      action: 'Override',
      set: { [`${TERMS}[0].matchExpressions[]`]: [REQUIREMENT] },
    },
    {
      title: 'runs on Windows too',
      pod: pod({ os: { name: 'windows' } }),
      settings: nodes,
      set: { [`${SELECTOR}.tenant`]: 'shop' },
    },
  ]);
});
