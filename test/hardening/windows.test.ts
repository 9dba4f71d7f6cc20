import { expect } from 'chai';
import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../../src/hardening/podSpec.js';
import { isWindowsPod } from '../../src/hardening/windows.js';
import { container, hardenPod, outcomeOf, pod } from '../support/harden.js';

const terms = (...nodeSelectorTerms: NodeSelectorTerm[]): PodSpec => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const os = (values: string[], more: Partial<NodeSelectorRequirement> = {}): NodeSelectorTerm => ({
  matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values, ...more }],
});

describe('isWindowsPod', () => {
  const cases: [string, PodSpec, boolean][] = [
    ['spec.os', { os: { name: 'windows' } }, true],
    ['nodeSelector', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, true],
    ['the beta label', { nodeSelector: { 'beta.kubernetes.io/os': 'windows' } }, true],
    ['one required term', terms(os(['windows'])), true],
    ['a term with the beta label', terms(os(['windows'], { key: 'beta.kubernetes.io/os' })), true],
    ['every term', terms(os(['windows']), os(['windows'])), true],
    [
      'a term that asks for more beside it',
      terms({
        matchExpressions: [{ key: 'zone', operator: 'Exists' }, ...(os(['windows']).matchExpressions ?? [])],
      }),
      true,
    ],
    ['nothing', {}, false],
    [
      'spec.os linux, whatever the selector says',
      { os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'windows' } },
      false,
    ],
    ['an empty spec.os', { os: {}, nodeSelector: null, affinity: null }, false],
    ['another value', { nodeSelector: { 'kubernetes.io/os': 'linux' } }, false],
    ['another label', { nodeSelector: { os: 'windows' } }, false],
    ['one term of two', terms(os(['windows']), os(['linux'])), false],
    ['a term that is wider', terms(os(['windows', 'linux'])), false],
    ['NotIn linux', terms(os(['linux'], { operator: 'NotIn' })), false],
    ['no values', terms(os(['windows'], { values: null })), false],
    ['a term without a key', terms({ matchExpressions: [{ operator: 'In', values: ['windows'] }] }), false],
    ['an empty term', terms({}), false],
    ['no terms', terms(), false],
    [
      'matchFields',
      terms({ matchFields: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] }),
      false,
    ],
    [
      'hostProcess, which a Linux kubelet ignores',
      { securityContext: { windowsOptions: { hostProcess: true } } },
      false,
    ],
  ];
  for (const [title, spec, expected] of cases)
    it(`${expected ? 'yes' : 'no'} by ${title}`, () => expect(isWindowsPod(spec)).to.equal(expected));
});

describe('a pod whose nodeSelector the policy changes', () => {
  const linux = { nodeSelector: { 'kubernetes.io/os': 'linux' } };
  const given = pod({ nodeSelector: { 'kubernetes.io/os': 'windows' }, containers: [container()] });

  it('gets the Linux rules where Override sends it to Linux nodes: its selector is no way out', () => {
    const { changes } = hardenPod(given, {
      rules: { allowPrivilegeEscalation: 'Default', scheduling: { action: 'Override', ...linux } },
    });
    expect(outcomeOf({ changes, skips: [], violations: [] }).set).to.deep.equal({
      'spec.containers[0].securityContext.allowPrivilegeEscalation': false,
      'spec.nodeSelector["kubernetes.io/os"]': 'linux',
    });
  });
  it('stays a Windows pod where the author’s selector stands', () => {
    for (const scheduling of [
      { action: 'Default', ...linux },
      { action: 'Warn', ...linux },
    ] as const) {
      const { skips } = hardenPod(given, { rules: { allowPrivilegeEscalation: 'Default', scheduling } });
      expect(skips.map(({ code }) => code)).to.deep.equal(['WindowsPod']);
    }
  });
  const demand = { key: 'kubernetes.io/os', operator: 'In', values: ['windows'] };
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [demand] }] },
  };
  const zone = terms({ matchExpressions: [{ key: 'zone', operator: 'Exists' }] });
  for (const [how, spec, sent] of [
    ['by its nodeSelector', {}, { nodeSelector: { 'kubernetes.io/os': 'windows' } }],
    ['by its affinity', {}, { nodeAffinity }],
    ['by its affinity, beside the author’s', zone, { nodeAffinity }],
  ] as const)
    it(`is a Windows pod where Default sends it there ${how}`, () => {
      const { skips } = hardenPod(pod(spec), {
        rules: { allowPrivilegeEscalation: 'Default', scheduling: { action: 'Default', ...sent } },
      });
      expect(skips.map(({ code }) => code)).to.deep.equal(['WindowsPod']);
    });

  it('is none where the author’s affinity stands', () => {
    const rules = {
      allowPrivilegeEscalation: 'Default',
      scheduling: { action: 'Default', nodeAffinity },
    } as const;
    const { changes } = hardenPod(pod(zone), { rules, bare: true });
    expect(changes.map(({ rule }) => rule)).to.deep.equal(['allowPrivilegeEscalation']);
  });
});
