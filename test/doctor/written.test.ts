import { expect } from 'chai';
import { writtenFields } from '../../src/doctor/written.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { RULE_IDS, type RuleId } from '../../src/hardening/rule.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { hardenPod, type HardenOptions, type RuleChoice } from '../support/harden.js';
import { container, factsOf, pod } from './sayingPods.js';

/** A pod in which every rule that writes anything finds something to write, by Override. */
const WEAK: Partial<Record<RuleId, Pod>> = {
  privileged: pod({ containers: [container({ securityContext: { privileged: true } })] }),
  hostNamespaces: pod({ hostNetwork: true, hostPID: true }),
  hostPath: pod({
    containers: [container({ volumeMounts: [{ name: 'etc', mountPath: '/host' }] })],
    volumes: [{ name: 'etc', hostPath: { path: '/etc' } }],
  }),
  procMount: pod({
    hostUsers: false,
    containers: [container({ securityContext: { procMount: 'Unmasked' } })],
  }),
  appArmorProfile: pod({
    containers: [container({ securityContext: { appArmorProfile: { type: 'Unconfined' } } })],
  }),
  enableServiceLinks: pod({ enableServiceLinks: true }),
  imagePullPolicy: pod({ containers: [container({ imagePullPolicy: 'IfNotPresent' })] }),
  unprivilegedPorts: pod({
    containers: [container({ securityContext: { runAsUser: 1000 }, ports: [{ containerPort: 80 }] })],
  }),
  runAsNonRoot: pod({ containers: [container({ securityContext: { runAsUser: 1000 } })] }),
};

const CHOICES: Partial<Record<RuleId, RuleChoice>> = {
  scheduling: { action: 'Override', nodeSelector: { pool: 'shop' } },
};

/** Rules that only report. */
const NEVER_WRITES: readonly RuleId[] = ['runtimeSocket', 'sshd'];

function optionsFor(rule: RuleId): HardenOptions {
  return { rules: { [rule]: CHOICES[rule] ?? 'Override' } };
}

describe('what rules wrote in a pod', () => {
  for (const rule of RULE_IDS.filter((id) => !NEVER_WRITES.includes(id))) {
    it(`${rule}: is found by comparing with what its author wrote, and is no other rule's`, () => {
      const author = WEAK[rule] ?? pod();
      const options = optionsFor(rule);
      const { changes } = hardenPod(author, options);
      expect(changes, 'the rule changes nothing in the test pod').not.to.deep.equal([]);
      const written = writtenFields(factsOf({ author, options }));
      expect([...new Set(written.map((field) => field.rule))]).to.deep.equal([rule]);
      expect(written.every(({ isCompared }) => isCompared)).to.equal(true);
    });
  }

  it('is nothing where nothing was changed', () => {
    for (const author of [pod(), ...Object.values(WEAK)]) {
      expect(writtenFields(factsOf({ author, options: { rules: {} } }))).to.deep.equal([]);
    }
  });

  it('is not what the API server fills in, nor a LimitRange, nor an autoscaler', () => {
    const facts = factsOf({
      author: pod({ containers: [container({ resources: { limits: { memory: '64Mi' } } })] }),
    });
    const spec = facts.pod.spec as { containers: { resources: { requests: object } }[] };
    const [first] = spec.containers;
    if (!first) throw new Error('no container');
    first.resources.requests = { ...first.resources.requests, memory: '64Mi' };
    const fields = writtenFields(facts).map(({ field }) => field);
    expect(fields).to.include('spec.containers[0].resources.limits.cpu');
    expect(fields).not.to.include('spec.containers[0].resources.requests.memory');

    for (const annotations of [
      {
        'kubernetes.io/limit-ranger':
          'LimitRanger plugin set: cpu, memory, ephemeral-storage request for container web; cpu limit for container web',
      },
      { vpaUpdates: 'Pod resources updated by vpa' },
    ]) {
      const given = factsOf({});
      const limited = { ...given, pod: { ...given.pod, metadata: { ...given.pod.metadata, annotations } } };
      const names = writtenFields(limited).map(({ field }) => field);
      expect(names).not.to.include('spec.containers[0].resources.requests.cpu');
      expect(names).not.to.include('spec.containers[0].resources.limits.cpu');
    }
  });

  it('is no certain thing in a container that another webhook injected', () => {
    const facts = factsOf({});
    const spec = facts.pod.spec as { containers: object[] };
    spec.containers.push({
      name: 'proxy',
      image: 'proxy',
      securityContext: { readOnlyRootFilesystem: true },
    });
    const ofProxy = writtenFields(facts).filter(({ container: name }) => name === 'proxy');
    expect(ofProxy.map(({ rule, isCompared }) => [rule, isCompared])).to.deep.equal([
      ['readOnlyRootFilesystem', false],
    ]);
  });

  it('knows of every rule whether it writes', () => {
    const silent = RULES.filter(({ fields }) => fields.length === 0).map(({ id }) => id);
    expect(silent).to.deep.equal(NEVER_WRITES);
  });
});
