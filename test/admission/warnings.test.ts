import { expect } from 'chai';
import { decide } from '../../src/admission/decide.js';
import type { AdmissionRequest, Decision, KubernetesObject } from '../../src/admission/types.js';
import { RULES } from '../../src/hardening/rules/index.js';
import { planOf, pod, podTemplate, requestOf, workload } from './support/reviews.js';

const LONG = 'n'.repeat(63);
/** Violates whatever can be violated. */
const BAD = {
  securityContext: {
    privileged: true,
    runAsUser: 0,
    allowPrivilegeEscalation: true,
    readOnlyRootFilesystem: false,
    capabilities: { add: ['NET_ADMIN'] },
  },
};
const BAD_POD = { containers: [{ name: 'web', image: 'web:1', ...BAD }] };
const HOST = { hostNetwork: true, hostPID: true, volumes: [{ name: 'h', hostPath: { path: '/' } }] };

function containers(count: number, more: object = {}, name = (index: number) => `c${index}`): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: name(index),
    image: `sshd:${index}`,
    ...more,
  }));
}

function decided(
  object: KubernetesObject,
  spec = '',
  labels: Record<string, string> = { mode: 'enforce' },
  given: Partial<AdmissionRequest> = {},
): Decision {
  return decide(requestOf(object, given), planOf(spec, labels));
}

function expectShort(warnings: readonly string[]): void {
  for (const warning of warnings) expect(warning.length, warning).to.be.at.most(120);
  expect(warnings.reduce((sum, { length }) => sum + length, 0)).to.be.at.most(2048);
}

describe('warnings: Summary', () => {
  it('one line for what was changed, and how to see the rest', () => {
    const { warnings, changes } = decided(pod());
    expect(warnings).to.have.length(2);
    expect(warnings[0]).to.match(/^kube-harden set \d+ fields \(runAsNonRoot, runAsUser, capabilities, /);
    expect(warnings[0]).to.contain(`set ${changes.length} fields`);
    expect(warnings[1]).to.equal(
      'kube-harden: every change and its reason: kubectl harden explain pod/web -n shop',
    );
  });

  it('names the manifest of an object that has no name, or one too long for a line', () => {
    const file = 'kube-harden: every change and its reason: kubectl harden preview -o json -f FILE -n shop';
    for (const metadata of [{ name: undefined, generateName: 'web-' }, { name: 'w'.repeat(90) }])
      expect(decided(pod({}, metadata)).warnings.at(-1)).to.equal(file);
  });

  it('one line for what is violated', () => {
    const { warnings } = decided(pod(HOST));
    expect(warnings[1]).to.match(
      /^kube-harden policy default: \d+ violations \(hostNamespaces, hostPath, runtimeSocket\)$/,
    );
  });

  it('one is not many', () => {
    const only = 'rules: {seccompProfile: {action: Default}, hostNamespaces: {action: Warn}';
    const off = RULES.map(({ id }) => id).filter((id) => id !== 'seccompProfile' && id !== 'hostNamespaces');
    const spec = `${only}, ${off.map((id) => `${id}: {action: Disabled}`).join(', ')}}`;
    const { warnings } = decided(pod({ hostPID: true }), spec);
    expect(warnings.slice(0, 2)).to.deep.equal([
      'kube-harden set 1 field (seccompProfile)',
      'kube-harden policy default: 1 violation (hostNamespaces)',
    ]);
  });

  it('nothing to say, nothing said', () => {
    const off = RULES.map(({ id }) => `${id}: {action: Disabled}`).join(', ');
    expect(decided(pod(), `rules: {${off}}`).warnings).to.deep.equal([]);
  });
});

describe('warnings: Full', () => {
  it('one line a rule, with the label to type', () => {
    const { warnings } = decided(pod(), 'warnings: Full');
    expect(warnings).to.include(
      'capabilities set on container "web"; opt out: kubectl label ns shop kube-harden.io/capabilities=disabled',
    );
    // With the command it would have 124 characters.
    expect(warnings).to.include(
      'readOnlyRootFilesystem set on container "web"; opt out: label kube-harden.io/readOnlyRootFilesystem=disabled',
    );
    expect(warnings.at(-1)).to.contain('kubectl harden explain pod/web');
  });

  it('says to overwrite a label that is there: kubectl refuses to change it else', () => {
    const { warnings } = decided(pod(BAD_POD), 'warnings: Full', { mode: 'enforce', privileged: 'warn' });
    expect(warnings).to.include(
      'privileged violated on container "web"; opt out: kubectl label ns shop kube-harden.io/privileged=disabled --overwrite',
    );
  });

  it('counts containers where there are many', () => {
    const { warnings } = decided(pod({ containers: containers(3) }), 'warnings: Full');
    expect(warnings.join('\n')).to.contain('capabilities set on 3 containers; opt out: ');
  });

  it('says who forbids an opt-out', () => {
    const { warnings } = decided(pod(), 'warnings: Full\nrules: {capabilities: {optOut: Forbidden}}');
    expect(warnings).to.include('capabilities set on container "web"; no opt-out: policy default forbids it');
  });

  it('shortens names, and never the label', () => {
    const { warnings } = decided(pod({ containers: containers(1, {}, () => LONG) }), 'warnings: Full');
    const line = warnings.find((warning) => warning.startsWith('readOnlyRootFilesystem')) ?? '';
    expect(line).to.match(
      / on container "n+\.\.\."; opt out: .*kube-harden\.io\/readOnlyRootFilesystem=disabled$/,
    );
  });

  it('has a line for what is violated beside the one for what was set', () => {
    const { warnings } = decided(pod({ containers: containers(1, BAD) }), 'warnings: Full');
    expect(warnings.join('\n')).to.contain('privileged violated on container "c0"');
  });

  it('says "would be set" in audit mode, whatever the policy says of warnings', () => {
    const { warnings } = decided(pod(), 'warnings: Summary', { mode: 'audit' });
    expect(warnings.join('\n')).to.contain('seccompProfile would be set on the pod; opt out: ');
    expect(warnings.join('\n')).to.not.contain(' set 1 field');
  });

  it('says "will be set" for a template', () => {
    const { warnings } = decided(workload('Deployment'), 'warnings: Full');
    expect(warnings.join('\n')).to.contain('seccompProfile will be set on the pod; opt out: ');
  });
});

describe('warnings: None', () => {
  it('says nothing of the object', () => {
    expect(decided(pod(HOST), 'warnings: None').warnings).to.deep.equal([]);
  });

  it('still names what is wrong with the namespace', () => {
    const { warnings } = decided(pod(), 'warnings: None', { mode: 'enforce', sshd: 'no' });
    expect(warnings).to.deep.equal(['label kube-harden.io/sshd=no is ignored: it is not disabled or warn']);
  });
});

describe('warnings: notices', () => {
  it('come first, on lines of their own, whether or not there is more to say', () => {
    const labels = { mode: 'enforced', policy: 'nowhere' };
    const { warnings } = decided(pod(), '', labels);
    expect(warnings[0]).to.contain('kube-harden.io/mode=enforced');
    expect(warnings[1]).to.contain('kube-harden.io/policy=nowhere');
    expect(warnings.length).to.be.above(3);
    const again = decided({ ...workload('Deployment'), kind: 'Service' }, '', labels);
    expect(again.warnings).to.deep.equal(warnings.slice(0, 2));
  });
});

describe('warnings: length', () => {
  const objects: [what: string, object: KubernetesObject][] = [
    [
      '200 careless containers',
      pod({ containers: containers(200, {}, (index) => `${LONG.slice(3)}${index}`) }),
    ],
    ['200 bad containers', pod({ ...HOST, containers: containers(200, BAD) })],
    ['one container with a long name', pod({ ...HOST, containers: containers(1, BAD, () => LONG) })],
    ['a name that never ends', pod({ ...HOST, containers: containers(1, BAD, () => 'x'.repeat(100_000)) })],
    ['a template', workload('StatefulSet', podTemplate({ ...HOST, containers: containers(200, BAD) }))],
  ];
  const specs = [
    '',
    'warnings: Full',
    'warnings: Full\nrules: {privileged: {action: Deny}, hostPath: {optOut: Forbidden}}',
  ];
  for (const [what, object] of objects) {
    for (const spec of specs) {
      for (const mode of ['enforce', 'audit', 'enforec'.repeat(9)]) {
        it(`fits for ${what}, "${spec.replace('\n', ' ')}", mode ${mode.slice(0, 10)}`, () => {
          const junk = Object.fromEntries(
            Array.from({ length: 40 }, (_, i) => [`${'j'.repeat(50)}${i}`, 'x']),
          );
          for (const labels of [{ mode }, { mode, policy: 'p'.repeat(63), ...junk }]) {
            for (const namespace of ['shop', LONG, 'n'.repeat(5000)]) {
              expectShort(decided(object, spec, labels, { namespace }).warnings);
            }
          }
        });
      }
    }
  }

  it('keeps every rule’s label whole, and ends with how to see the rest', () => {
    const { warnings } = decided(
      pod({ ...HOST, containers: containers(2, BAD) }),
      'warnings: Full',
      undefined,
      { namespace: LONG },
    );
    for (const warning of warnings.slice(0, -1)) expect(warning).to.match(/kube-harden\.io\/\w+=disabled$/);
    expect(warnings.at(-1)).to.contain('kubectl harden preview -o json -f FILE');
  });

  it('leaves a line for the object however many labels are wrong', () => {
    const junk = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${'j'.repeat(50)}${i}`, 'x']));
    const { warnings } = decided(pod(), '', { mode: 'enforce', ...junk });
    expect(warnings.join('\n')).to.match(/more labels and exceptions of this namespace\nkube-harden set /);
    expect(warnings.at(-1)).to.contain('kubectl harden explain pod/web');
  });
});

describe('warnings: quotas', () => {
  const quotas = [
    { name: 'compute', resources: ['limits.memory', 'requests.cpu'] },
    { name: 'q'.repeat(253), resources: ['limits.cpu'] },
    { name: 'disk', resources: ['requests.ephemeral-storage'] },
  ];
  const lines = (object: KubernetesObject, spec = '', given: Partial<AdmissionRequest> = {}): string[] => {
    const { warnings } = decide(requestOf(object, given), { ...planOf(spec), quotas });
    expectShort(warnings);
    return warnings.filter((line) => line.includes('ResourceQuota'));
  };

  it('one line for each quota towards which the defaults count, and none for the others', () => {
    expect(lines(pod())).to.deep.equal([
      'resources: these defaults count towards ResourceQuota "compute" of shop: limits.memory, requests.cpu',
      `resources: these defaults count towards ResourceQuota "${'q'.repeat(37)}..." of shop: limits.cpu`,
    ]);
  });

  it('names only what the change adds', () => {
    const own = { resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } };
    expect(lines(pod({ containers: containers(2, own) }))).to.deep.equal([
      'resources: these defaults count towards ResourceQuota "compute" of shop: limits.memory',
    ]);
    const all = { resources: { limits: { cpu: '1', memory: '1Gi' } } };
    expect(lines(pod({ containers: containers(1, all) }))).to.deep.equal([]);
  });

  it('says nothing where the rule is off, or no warnings are wanted', () => {
    expect(lines(pod(), 'rules: {resources: {action: Disabled}}')).to.deep.equal([]);
    expect(lines(pod(), 'rules: {resources: {action: Warn}}')).to.deep.equal([]);
    expect(lines(pod(), 'warnings: None')).to.deep.equal([]);
  });

  it('has it for a template and with Full, and leaves out what does not fit', () => {
    expect(lines(workload('Deployment'))).to.have.length(2);
    expect(lines(pod(), 'warnings: Full')).to.have.length(2);
    expect(lines(pod(), '', { namespace: LONG })[0]).to.equal(
      'resources: these defaults count towards ResourceQuota "compute"',
    );
  });
});
