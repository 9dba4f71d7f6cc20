import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { Pod } from '../../src/hardening/podSpec.js';
import { CONTROLS } from '../../src/podSecurity/controls/index.js';
import { failedControls } from '../../src/podSecurity/evaluate.js';
import { parsePodSecurityMessage, predictedControls } from './podSecurityWarnings.js';

const FIXTURES = new URL('../fixtures/psa/', import.meta.url);

const FAILING = (['baseline', 'restricted'] as const).flatMap((level) =>
  readdirSync(new URL(`${level}/fail/`, FIXTURES)).map((file) => ({
    level,
    name: `${level}/fail/${file}`,
    pod: parse(readFileSync(new URL(`${level}/fail/${file}`, FIXTURES), 'utf8'), { version: '1.1' }) as Pod,
  })),
);

/** As the API server would put it: our messages are worded as upstream's. */
function warning(pod: Pod, level: 'baseline' | 'restricted'): string {
  const named = predictedControls(pod, level);
  const messages = failedControls(pod, level)
    .filter(({ control }) => named.includes(control))
    .map(({ message }) => message);
  return `would violate PodSecurity "${level}:latest": ${messages.join(', ')}`;
}

/** As a real API server 1.36.4 would write them (policy v0.36.4 over upstream's own fixtures). */
const UPSTREAM: readonly { it: string; text: string; level: string; version: string; controls: string[] }[] =
  [
    {
      it: 'a warning as kubectl prints it',
      text:
        'Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")\n',
      level: 'restricted',
      version: 'latest',
      controls: [
        'allowPrivilegeEscalation',
        'capabilities_restricted',
        'runAsNonRoot',
        'seccompProfile_restricted',
      ],
    },
    {
      it: 'a rejection',
      text:
        'Error from server (Forbidden): pods "web" is forbidden: violates PodSecurity "baseline:v1.36": host namespaces (hostNetwork=true, hostPID=true), ' +
        'hostPath volumes (volumes "a", "b"), seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
      level: 'baseline',
      version: 'v1.36',
      controls: ['hostNamespaces', 'hostPathVolumes', 'seccompProfile_baseline'],
    },
    {
      it: 'values that hold what separates reasons',
      text: 'would violate PodSecurity "baseline:latest": forbidden AppArmor profiles (annotations must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/web="a, b""), seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x), privileged (y"; user may not be set)',
      level: 'baseline',
      version: 'latest',
      controls: ['appArmorProfile', 'seLinuxOptions'],
    },
  ];

describe('what Pod Security admission says', () => {
  for (const { it: what, text, level, version, controls } of UPSTREAM) {
    it(`is read from ${what}`, () =>
      expect(parsePodSecurityMessage(text)).to.deep.equal({ level, version, controls, complete: true }));
  }

  for (const { level, name, pod } of FAILING) {
    it(`is read into the controls that ${name} fails`, () => {
      for (const asked of level === 'baseline' ? (['baseline', 'restricted'] as const) : [level]) {
        const message = parsePodSecurityMessage(warning(pod, asked));
        expect(message).to.deep.equal({
          level: asked,
          version: 'latest',
          controls: predictedControls(pod, asked),
          complete: true,
        });
        expect(message?.controls).to.not.be.empty;
      }
    });
  }

  it('has been read for every control that there is', () => {
    const read = FAILING.flatMap(({ level, pod }) => {
      const { controls = [] } = parsePodSecurityMessage(warning(pod, level)) ?? {};
      return controls;
    });
    expect([...new Set(read)].sort()).to.deep.equal(CONTROLS.map(({ id }) => id).sort());
  });

  it('is told from what others say', () => {
    for (const text of [
      '',
      'kube-harden set 6 fields',
      'existing pods in namespace "a" violate the new PodSecurity enforce level "restricted:latest"',
    ])
      expect(parsePodSecurityMessage(text)).to.equal(undefined);
  });

  it('that was cut by the API server says so, and gives only what was whole enough to know', () => {
    const [{ text } = { text: '' }] = UPSTREAM;
    const whole = text.replace('Warning: ', '').trimEnd();
    const cut = (at: number): unknown => parsePodSecurityMessage(whole.slice(0, at));
    const detail = whole.indexOf('drop=');
    expect(cut(detail)).to.deep.include({
      complete: false,
      controls: ['allowPrivilegeEscalation', 'capabilities_restricted'],
    });
    const reason = whole.indexOf('AsNonRoot != true');
    expect(reason).to.be.greaterThan(220);
    expect(cut(reason)).to.deep.include({
      complete: false,
      controls: ['allowPrivilegeEscalation', 'capabilities_restricted'],
    });
  });

  it('is predicted and read as of the version that a namespace pins', () => {
    const pod: Pod = {
      spec: {
        containers: [
          { name: 'web', securityContext: { procMount: 'Unmasked', capabilities: { add: ['NET_RAW'] } } },
        ],
      },
    };
    const text = (version: string): string =>
      `would violate PodSecurity "restricted:${version}": procMount (container "web" must not set securityContext.procMount to "Unmasked")`;
    const read = (version: string): unknown => parsePodSecurityMessage(text(version))?.controls;
    expect(predictedControls(pod, 'restricted', 21))
      .to.include.members(['procMount', 'capabilities_baseline'])
      .and.not.include('capabilities_restricted');
    expect(predictedControls(pod, 'restricted', 34)).to.include.members([
      'procMount',
      'capabilities_restricted',
    ]);
    expect(read('v1.34')).to.deep.equal(['procMount']);
    expect(predictedControls(pod, 'restricted', 35))
      .to.include('procMount_restricted')
      .and.not.include('procMount');
    for (const version of ['v1.35', 'latest']) expect(read(version)).to.deep.equal(['procMount_restricted']);
  });

  it('with a reason that is not known is an error, not a control less', () =>
    expect(() =>
      parsePodSecurityMessage('would violate PodSecurity "baseline:latest": privileged (x), news (y)'),
    ).to.throw('not known: news'));
});
