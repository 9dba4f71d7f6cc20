import { expect } from 'chai';
import { fieldPath } from '../../src/hardening/fieldPath.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { ISSUES_MAX, validatePod } from '../../src/hardening/validatePod.js';

const issuesOf = (pod: unknown, base: string[] = []): string[] =>
  validatePod(pod as Pod, base).map(({ path, message }) => `${fieldPath(path)}: ${message}`);

describe('validatePod', () => {
  const inContainer: [object, string][] = [
    [{ name: 1 }, 'name: 1 is not a string'],
    [{ image: {} }, 'image: an object is not a string'],
    [{ command: 'sh' }, 'command: "sh" is not a list'],
    [{ args: ['a', 2] }, 'args[1]: 2 is not a string'],
    [{ args: [null] }, 'args[0]: null is not a string'],
    [{ restartPolicy: true }, 'restartPolicy: true is not a string'],
    [{ ports: [{ containerPort: '80' }] }, 'ports[0].containerPort: "80" is not an integer'],
    [{ ports: [{ hostPort: 1.5 }] }, 'ports[0].hostPort: 1.5 is not an integer'],
    [{ ports: [null] }, 'ports[0]: null is not an object'],
    [{ resources: [] }, 'resources: a list is not an object'],
    [{ resources: { limits: { memory: '12Q' } } }, 'resources.limits.memory: "12Q" is not a quantity'],
    [{ resources: { requests: { cpu: '-1' } } }, 'resources.requests.cpu: "-1" is negative'],
    [{ resources: { requests: { 'a.b/c': [] } } }, 'resources.requests["a.b/c"]: a list is not a quantity'],
    [{ resources: { requests: 'all' } }, 'resources.requests: "all" is not an object'],
    [{ securityContext: { privileged: 'yes' } }, 'securityContext.privileged: "yes" is not true or false'],
    [{ securityContext: { runAsUser: '0' } }, 'securityContext.runAsUser: "0" is not an integer'],
    [{ securityContext: { runAsGroup: {} } }, 'securityContext.runAsGroup: an object is not an integer'],
    [{ securityContext: { runAsNonRoot: 1 } }, 'securityContext.runAsNonRoot: 1 is not true or false'],
    [
      { securityContext: { capabilities: { add: 'ALL' } } },
      'securityContext.capabilities.add: "ALL" is not a list',
    ],
    [
      { securityContext: { capabilities: { drop: [1] } } },
      'securityContext.capabilities.drop[0]: 1 is not a string',
    ],
    [{ securityContext: { seccompProfile: 'x' } }, 'securityContext.seccompProfile: "x" is not an object'],
    [
      { securityContext: { windowsOptions: { runAsUserName: 1 } } },
      'securityContext.windowsOptions.runAsUserName: 1 is not a string',
    ],
    [{ imagePullPolicy: true }, 'imagePullPolicy: true is not a string'],
    [{ securityContext: { procMount: 1 } }, 'securityContext.procMount: 1 is not a string'],
    [
      { securityContext: { appArmorProfile: { type: 1 } } },
      'securityContext.appArmorProfile.type: 1 is not a string',
    ],
    [{ volumeMounts: {} }, 'volumeMounts: an object is not a list'],
    [{ volumeMounts: [{ readOnly: 'true' }] }, 'volumeMounts[0].readOnly: "true" is not true or false'],
    [{ volumeDevices: [{ devicePath: 1 }] }, 'volumeDevices[0].devicePath: 1 is not a string'],
  ];
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const [container, issue] of inContainer)
      it(`${list}: ${issue}`, () =>
        expect(issuesOf({ spec: { [list]: [{}, container] } })).to.deep.equal([`spec.${list}[1].${issue}`]));

  const inPod: [object, string][] = [
    [{ containers: {} }, 'spec.containers: an object is not a list'],
    [{ containers: ['x'] }, 'spec.containers[0]: "x" is not an object'],
    [{ securityContext: { runAsUser: true } }, 'spec.securityContext.runAsUser: true is not an integer'],
    [{ securityContext: { fsGroup: 'x' } }, 'spec.securityContext.fsGroup: "x" is not an integer'],
    [
      { securityContext: { sysctls: [{ name: 1 }] } },
      'spec.securityContext.sysctls[0].name: 1 is not a string',
    ],
    [
      { securityContext: { supplementalGroups: ['x'] } },
      'spec.securityContext.supplementalGroups[0]: "x" is not an integer',
    ],
    [
      { securityContext: { supplementalGroupsPolicy: 1 } },
      'spec.securityContext.supplementalGroupsPolicy: 1 is not a string',
    ],
    [
      { securityContext: { appArmorProfile: 'x' } },
      'spec.securityContext.appArmorProfile: "x" is not an object',
    ],
    [{ enableServiceLinks: 'false' }, 'spec.enableServiceLinks: "false" is not true or false'],
    [{ volumes: [{ image: 'x' }] }, 'spec.volumes[0].image: "x" is not an object'],
    [{ volumes: [{ image: { pullPolicy: 1 } }] }, 'spec.volumes[0].image.pullPolicy: 1 is not a string'],
    [{ volumes: [{ hostPath: '/' }] }, 'spec.volumes[0].hostPath: "/" is not an object'],
    [{ volumes: [{ hostPath: { path: 1 } }] }, 'spec.volumes[0].hostPath.path: 1 is not a string'],
    [
      { volumes: [{ projected: { sources: [1] } }] },
      'spec.volumes[0].projected.sources[0]: 1 is not an object',
    ],
    [{ os: 'windows' }, 'spec.os: "windows" is not an object'],
    [{ nodeSelector: { a: 1 } }, 'spec.nodeSelector.a: 1 is not a string'],
    [{ nodeSelector: [] }, 'spec.nodeSelector: a list is not an object'],
    [
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ values: 'x' }] }],
            },
          },
        },
      },
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: "x" is not a list',
    ],
    [
      { tolerations: [{ tolerationSeconds: 'x' }] },
      'spec.tolerations[0].tolerationSeconds: "x" is not an integer',
    ],
    [{ hostNetwork: 1 }, 'spec.hostNetwork: 1 is not true or false'],
    [{ hostUsers: 'false' }, 'spec.hostUsers: "false" is not true or false'],
    [{ serviceAccountName: [] }, 'spec.serviceAccountName: a list is not a string'],
    [{ automountServiceAccountToken: 'no' }, 'spec.automountServiceAccountToken: "no" is not true or false'],
    [{ resources: { limits: { cpu: 'x' } } }, 'spec.resources.limits.cpu: "x" is not a quantity'],
  ];
  for (const [spec, issue] of inPod) it(issue, () => expect(issuesOf({ spec })).to.deep.equal([issue]));

  const inMetadata: [unknown, string][] = [
    ['x', 'metadata: "x" is not an object'],
    [{ name: 1 }, 'metadata.name: 1 is not a string'],
    [{ labels: { a: true } }, 'metadata.labels.a: true is not a string'],
    [{ annotations: { 'a/b': 1 } }, 'metadata.annotations["a/b"]: 1 is not a string'],
    [
      { ownerReferences: [{ controller: 'yes' }] },
      'metadata.ownerReferences[0].controller: "yes" is not true or false',
    ],
  ];
  for (const [metadata, issue] of inMetadata)
    it(issue, () => expect(issuesOf({ metadata, spec: {} })).to.deep.equal([issue]));

  it('names the field from the object that holds the pod', () => {
    expect(issuesOf({ spec: { os: 1 } }, ['spec', 'template'])).to.deep.equal([
      'spec.template.spec.os: 1 is not an object',
    ]);
  });
  it('reports everything that is wrong, at once', () => {
    expect(issuesOf({ spec: { os: 1, hostPID: 1, containers: [{ name: 1 }] } })).to.have.length(3);
  });
  it('stops at a thousand, wherever they are', () => {
    const limits = Object.fromEntries(Array.from({ length: 5000 }, (_, key) => [`k${key}`, 'v']));
    const containers = Array.from({ length: 3000 }, () => 7);
    for (const spec of [{ containers }, { containers: [{ resources: { limits } }, ...containers] }]) {
      const issues = validatePod({ spec } as unknown as Pod, []);
      expect(issues).to.have.length(ISSUES_MAX);
    }
  });

  it('takes null for unset everywhere, and fields of others as they are', () => {
    expect(issuesOf({ metadata: null, spec: { containers: null, os: null, dnsConfig: 7 } })).to.deep.equal(
      [],
    );
    expect(
      issuesOf({ spec: { containers: [{ name: null, env: 1, resources: { limits: { cpu: null } } }] } }),
    ).to.deep.equal([]);
  });
  it('takes __proto__ for a key like others', () => {
    expect(issuesOf(JSON.parse('{"spec": {"nodeSelector": {"__proto__": 1}}}'))).to.deep.equal([
      'spec.nodeSelector.__proto__: 1 is not a string',
    ]);
  });
  it('cuts long values and does not walk deep ones', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(issuesOf({ spec: { os: { name: deep }, nodeName: deep, dnsConfig: deep } })).to.deep.equal([
      'spec.os.name: a list is not a string',
      'spec.nodeName: a list is not a string',
    ]);
    expect(issuesOf({ spec: { hostPID: 'x'.repeat(1_000_000) } })[0]).to.have.length.below(120);
  });
});
