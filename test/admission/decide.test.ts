import { expect } from 'chai';
import { decide, patchFor } from '../../src/admission/decide.js';
import type { AdmissionRequest, Decision, KubernetesObject } from '../../src/admission/types.js';
import type { ObjectMeta } from '../../src/hardening/podSpec.js';
import type { Plan } from '../../src/hardening/plan.js';
import { RULE_IDS, ruleIds } from '../../src/hardening/rule.js';
import { patched, planOf, pod, podTemplate, requestOf, workload } from './support/reviews.js';

const DENY = 'rules: {privileged: {action: Deny}}';
const PRIVILEGED = { containers: [{ name: 'web', image: 'web:1', securityContext: { privileged: true } }] };

function decided(object: KubernetesObject, plan: Plan, given: Partial<AdmissionRequest> = {}): Decision {
  return decide(requestOf(object, given), plan);
}

function annotationOf({ metadata }: KubernetesObject): string | undefined {
  return metadata?.annotations?.['kube-harden.io/changed'];
}

describe('decision: modes', () => {
  it('enforce patches, and hardening the result changes nothing', () => {
    const decision = decided(pod(), planOf());
    expect(decision.outcome).to.equal('patched');
    expect(decision).to.not.have.any.keys('because', 'message');
    const result = patched(pod(), decision.patch);
    expect(decided(result, planOf())).to.deep.include({ outcome: 'unchanged', changes: [], patch: [] });
    expect(decided(result, planOf()).warnings).to.deep.equal([]);
  });

  it('audit changes nothing, and says what enforce would change', () => {
    const audit = decided(pod(), planOf('', { mode: 'audit' }));
    const enforce = decided(pod(), planOf());
    expect(audit).to.deep.include({ outcome: 'reported', patch: [], changes: enforce.changes });
    expect(audit.warnings.length).to.be.above(5);
  });

  it('audit never refuses', () => {
    const decision = decided(pod(PRIVILEGED), planOf(DENY, { mode: 'audit' }));
    expect(decision.outcome).to.equal('reported');
    expect(decision.message).to.equal(undefined);
    expect(decision.warnings.join('\n')).to.contain('privileged would be refused on container "web"');
  });

  for (const [labels, because] of [
    [{}, 'no label kube-harden.io/mode'],
    [{ mode: 'disabled' }, 'label kube-harden.io/mode=disabled'],
  ] as const) {
    it(`ignores all where there is ${because}`, () => {
      const decision = decided(pod(PRIVILEGED), planOf(DENY, labels));
      expect(decision).to.deep.include({ outcome: 'ignored', because, changes: [], patch: [], warnings: [] });
    });
  }

  it('does not judge fields where it is disabled', () => {
    expect(decided(pod({ containers: 7 }), planOf('', {})).outcome).to.equal('ignored');
  });

  it('names a bad label on what is out of scope too', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: {} };
    const decision = decided(service, planOf('', { mode: 'enforec' }));
    expect(decision.outcome).to.equal('ignored');
    expect(decision.warnings).to.have.length(1);
  });
});

describe('decision: templates', () => {
  const cases: [templates: string, outcome: string, warned: boolean][] = [
    ['Warn', 'reported', true],
    ['Mutate', 'patched', true],
    ['Ignore', 'ignored', false],
  ];
  for (const [templates, outcome, warned] of cases) {
    it(`${templates}: ${outcome}`, () => {
      const decision = decided(workload('Deployment'), planOf(`templates: ${templates}`));
      expect(decision.outcome).to.equal(outcome);
      expect(decision.patch.length > 0).to.equal(outcome === 'patched');
      expect(decision.warnings.length > 0).to.equal(warned);
    });
    it(`${templates}: pods are hardened all the same`, () => {
      expect(decided(pod(), planOf(`templates: ${templates}`)).outcome).to.equal('patched');
    });
  }

  it('Warn says what the pods will get', () => {
    const [line] = decided(workload('Deployment'), planOf()).warnings;
    expect(line).to.match(/^kube-harden will set on its pods \d+ fields \(runAsNonRoot, runAsUser, /);
  });

  it('Mutate puts the annotation on the object itself, and not on the template', () => {
    for (const kind of ['Deployment', 'CronJob', 'PodTemplate', 'Job']) {
      const object = workload(kind);
      const decision = decided(object, planOf('templates: Mutate'));
      const result = patched(object, decision.patch);
      expect(annotationOf(result), kind).to.match(/^runAsNonRoot, runAsUser, /);
      expect(JSON.stringify(result).match(/kube-harden\.io/g), kind).to.have.length(1);
      expect(decided(result, planOf('templates: Mutate')).patch, kind).to.deep.equal([]);
    }
  });

  describe("a list that a template's author wrote", () => {
    const container = {
      name: 'web',
      image: 'web:1',
      securityContext: { capabilities: { drop: ['NET_RAW'] } },
    };
    const rewritten: [kind: string, templates: string, mode: string, isRewritten: boolean][] = [
      ['Job', 'Mutate', 'enforce', false],
      ['Job', 'Mutate', 'audit', false],
      // Said of its Pods, which nobody applies again.
      ['Job', 'Warn', 'enforce', true],
      ['Deployment', 'Mutate', 'enforce', true],
      ['CronJob', 'Mutate', 'enforce', true],
    ];
    for (const [kind, templates, mode, isRewritten] of rewritten) {
      it(`${isRewritten ? 'is replaced' : 'stands'} under templates: ${templates} in ${mode} mode in a ${kind}`, () => {
        const object = workload(kind, podTemplate({ containers: [container] }));
        const { changes, skips } = decided(object, planOf(`templates: ${templates}`, { mode }));
        expect(ruleIds(changes).includes('capabilities')).to.equal(isRewritten);
        expect(skips.map(({ code }) => code)).to.deep.equal(isRewritten ? [] : ['BarePod']);
      });
    }
  });

  const denials: [templates: string, mode: string, outcome: string][] = [
    ['Warn', 'enforce', 'reported'],
    ['Mutate', 'enforce', 'denied'],
    ['Ignore', 'enforce', 'ignored'],
    ['Mutate', 'audit', 'reported'],
  ];
  for (const [templates, mode, outcome] of denials) {
    it(`Deny under templates: ${templates} in ${mode} mode: ${outcome}`, () => {
      const plan = planOf(`templates: ${templates}\n${DENY}`, { mode });
      const decision = decided(workload('Deployment', podTemplate(PRIVILEGED)), plan);
      expect(decision).to.deep.include({ outcome, patch: [] });
      expect(decision.message === undefined).to.equal(outcome !== 'denied');
    });
  }

  it('Deny under templates: Warn says that the pods will be refused', () => {
    const { warnings } = decided(workload('Deployment', podTemplate(PRIVILEGED)), planOf(DENY));
    expect(warnings.join('\n')).to.contain('policy default would refuse its pods: 1 violation (privileged)');
  });
});

describe('decision: Deny', () => {
  it('refuses without a patch, whatever else would be changed', () => {
    const decision = decided(pod(PRIVILEGED), planOf(DENY));
    expect(decision).to.deep.include({ outcome: 'denied', patch: [], warnings: [] });
    expect(decision.changes.length).to.be.above(0);
  });

  it('names bad labels beside the refusal', () => {
    const decision = decided(pod(PRIVILEGED), planOf(DENY, { mode: 'enforce', sshd: 'no' }));
    expect(decision.warnings).to.have.length(1);
  });

  for (const value of ['warn', 'disabled']) {
    it(`is lifted by the label ${value}`, () => {
      expect(decided(pod(PRIVILEGED), planOf(DENY, { mode: 'enforce', privileged: value })).outcome).to.equal(
        'patched',
      );
    });
  }
});

describe('decision: the annotation kube-harden.io/changed', () => {
  const few = `rules: {${RULE_IDS.slice(0, 15)
    .filter((id) => id !== 'seccompProfile' && id !== 'allowPrivilegeEscalation')
    .map((id) => `${id}: {action: Disabled}`)
    .join(', ')}}`;
  const ours = 'allowPrivilegeEscalation, seccompProfile';

  const cases: [what: string, metadata: ObjectMeta | null, expected: string][] = [
    ['none before', {}, ours],
    ['no annotations: null', { annotations: null }, ours],
    ['metadata: null', null, ours],
    ['the same before', { annotations: { 'kube-harden.io/changed': ours } }, ours],
    [
      'the same in another order',
      { annotations: { 'kube-harden.io/changed': 'seccompProfile,allowPrivilegeEscalation' } },
      ours,
    ],
    [
      'an earlier rule before',
      { annotations: { 'kube-harden.io/changed': 'capabilities' } },
      `capabilities, ${ours}`,
    ],
    ['a later rule before', { annotations: { 'kube-harden.io/changed': 'resources' } }, `${ours}, resources`],
    ['an empty one', { annotations: { 'kube-harden.io/changed': '' } }, ours],
    ['null', { annotations: { 'kube-harden.io/changed': null as unknown as string } }, ours],
    ['a forged word', { annotations: { 'kube-harden.io/changed': 'forged' } }, `${ours}, forged`],
    [
      'forged odd words',
      { annotations: { 'kube-harden.io/changed': ' ,,__proto__, <b>,\n' } },
      `${ours}, __proto__, <b>`,
    ],
  ];
  for (const [what, metadata, expected] of cases) {
    it(`${what}: ${JSON.stringify(expected)}`, () => {
      const object: KubernetesObject = { ...pod(), metadata };
      const decision = decided(object, planOf(few), { namespace: 'shop' });
      expect(annotationOf(patched(object, decision.patch))).to.equal(expected);
    });
  }

  it('is added to an object without metadata', () => {
    const object = { apiVersion: 'v1', kind: 'Pod', spec: pod().spec };
    const decision = decided(object, planOf(few), { namespace: 'shop' });
    expect(annotationOf(patched(object, decision.patch))).to.equal(ours);
  });

  it('leaves other annotations, labels and generateName as they are', () => {
    const metadata = {
      name: null,
      generateName: 'web-',
      labels: { 'a/b~c': 'd' },
      annotations: { 'x/y~z': 'ü' },
    };
    const object = pod({}, metadata);
    const result = patched(object, decided(object, planOf(few)).patch);
    expect(result.metadata).to.deep.include({ name: null, generateName: 'web-', labels: { 'a/b~c': 'd' } });
    expect(result.metadata?.annotations).to.deep.equal({ 'x/y~z': 'ü', 'kube-harden.io/changed': ours });
  });

  it('is not written where nothing is changed, and a forged one neither changes that nor is removed', () => {
    const hardened = patched(pod(), decided(pod(), planOf(few)).patch);
    const forged = {
      ...hardened,
      metadata: { name: 'web', annotations: { 'kube-harden.io/changed': 'sshd' } },
    };
    expect(decided(forged, planOf(few))).to.deep.include({ outcome: 'unchanged', patch: [] });
  });

  it('steers nothing: an object that says all was done is hardened all the same', () => {
    const object = pod({}, { annotations: { 'kube-harden.io/changed': RULE_IDS.join(', ') } });
    const decision = decided(object, planOf());
    expect(ruleIds(decision.changes)).to.deep.equal(ruleIds(decided(pod(), planOf()).changes));
  });

  it('only grows: what an earlier pass did stays', () => {
    const first = patched(pod(), decided(pod(), planOf(few)).patch);
    const second = patched(first, decided(first, planOf()).patch);
    const words = annotationOf(second)?.split(', ') ?? [];
    expect(words).to.include.members(['allowPrivilegeEscalation', 'seccompProfile', 'resources']);
    expect(words).to.deep.equal(RULE_IDS.filter((id) => words.includes(id)));
  });

  it('is left out where the API server would then refuse the object: 256 KiB of annotations', () => {
    const room = 'kube-harden.io/changed'.length + ours.length;
    for (const [length, isWritten] of [
      [256 * 1024 - room - 1, true],
      [256 * 1024 - room, false],
    ] as const) {
      const object = pod({}, { annotations: { a: 'x'.repeat(length) } });
      const decision = decided(object, planOf(few));
      expect(decision.outcome).to.equal('patched');
      expect(annotationOf(patched(object, decision.patch)) !== undefined).to.equal(isWritten);
    }
  });

  it('is not written on pods/ephemeralcontainers', () => {
    const object = pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] });
    const given = { operation: 'UPDATE', subResource: 'ephemeralcontainers', oldObject: pod() };
    const decision = decided(object, planOf(), given);
    expect(decision.outcome).to.equal('patched');
    expect(JSON.stringify(decision.patch)).to.not.contain('annotations');
    for (const { path } of decision.patch) expect(path).to.match(/^\/spec\/ephemeralContainers\/0\//);
    const again = { ...given, object: patched(object, decision.patch) };
    expect(decided(object, planOf(), again).patch).to.deep.equal([]);
  });

  it('needs changes', () => {
    const subject = { object: pod(), located: undefined, input: undefined } as unknown as Parameters<
      typeof patchFor
    >[0];
    expect(patchFor(subject, [])).to.deep.equal([]);
  });
});
