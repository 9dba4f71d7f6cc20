import { expect } from 'chai';
import type { Pod, PodSpec } from '../../src/hardening/podSpec.js';
import { COPY_LABEL, copyName, hardenedCopy, type CopySource } from '../../src/learn/verifyCopy.js';
import { reachOf } from '../../src/learn/verifyReach.js';
import { withoutLastingVolumes } from '../../src/learn/verifyVolumes.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';

const PLAN = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: () => 0 }).planFor('shop');
const PLACE = { name: 'web-learn-x7k2p', deadlineSeconds: 300 };

function sourceOf(spec: PodSpec, metadata: Pod['metadata'] = {}, more: Partial<CopySource> = {}): CopySource {
  const running = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-0', namespace: 'shop' },
    spec: { ...spec, nodeName: 'node-7' },
  };
  return { running, template: { metadata, spec }, controllerKind: 'ReplicaSet', claims: [], ...more };
}

const APP = { name: 'app', image: 'registry.example/web:1' };

describe('hardenedCopy', () => {
  it('has no label, owner, finalizer or annotation of the original', () => {
    const metadata = {
      labels: { app: 'web' },
      annotations: {
        'example.org/address': '10.0.0.7',
        'container.apparmor.security.beta.kubernetes.io/app': 'runtime/default',
      },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }],
      finalizers: ['example.org/keep'],
      generateName: 'web-',
    };
    const { pod } = hardenedCopy(sourceOf({ containers: [APP] }, metadata), PLAN, PLACE);
    expect(pod.metadata).to.deep.equal({
      name: 'web-learn-x7k2p',
      namespace: 'shop',
      labels: { [COPY_LABEL]: 'true' },
      annotations: { 'container.apparmor.security.beta.kubernetes.io/app': 'runtime/default' },
    });
  });

  it("is on the original's node, and ends by itself", () => {
    const { pod } = hardenedCopy(sourceOf({ containers: [APP] }), PLAN, PLACE);
    expect(pod.spec).to.include({ nodeName: 'node-7', activeDeadlineSeconds: 300 });
  });

  it('takes nothing of the node, of a scheduler or of another pod', () => {
    const spec = {
      hostNetwork: true,
      subdomain: 'web',
      readinessGates: [{ conditionType: 'example.org/balancer' }],
      schedulingGates: [{ name: 'example.org/wait' }],
      topologySpreadConstraints: [{}],
      priorityClassName: 'high',
      priority: 1000,
      resourceClaims: [{ name: 'gpu' }],
      ephemeralContainers: [{ name: 'debugger', image: 'busybox' }],
      containers: [
        {
          ...APP,
          ports: [{ containerPort: 8080, hostPort: 8080 }],
          resources: { claims: [{ name: 'gpu' }], limits: { memory: '1Gi' } },
        },
      ],
    };
    const { pod, untested } = hardenedCopy(sourceOf(spec), PLAN, PLACE);
    for (const field of Object.keys(spec))
      if (field !== 'containers') expect(pod.spec).to.not.have.property(field);
    const [container] = pod.spec.containers ?? [];
    expect(container?.ports).to.deep.equal([{ containerPort: 8080 }]);
    expect(container?.resources).to.not.have.property('claims');
    expect(container?.resources?.limits).to.include({ memory: '1Gi' });
    expect(untested).to.deep.equal([
      "the node's network (hostNetwork)",
      'readiness gates',
      'resource claims',
    ]);
  });

  it('is hardened with the volumes of the original in view, which then go', () => {
    const spec = {
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      containers: [{ ...APP, volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    };
    const { pod, author, leftOut, changed } = hardenedCopy(sourceOf(spec), PLAN, PLACE);
    expect(changed, 'a volume that outlives the pod keeps the uid').to.not.include('runAsUser');
    expect(changed).to.include('readOnlyRootFilesystem');
    expect(pod.spec.volumes?.[0]).to.deep.equal({ name: 'data', emptyDir: {} });
    expect(author.spec.volumes).to.deep.equal([{ name: 'data', emptyDir: {} }]);
    expect(author.spec.containers?.[0]).to.not.have.property('securityContext');
    expect(author.metadata).to.deep.equal(pod.metadata);
    expect(leftOut.map(({ was }) => was)).to.deep.equal(['persistentVolumeClaim data']);
  });

  it('leaves what it is made of as it was', () => {
    const spec = { volumes: [{ name: 'd', nfs: { server: 'x', path: '/' } }], containers: [APP] };
    const source = sourceOf(spec, { labels: { app: 'web' } });
    const before = JSON.stringify(source);
    hardenedCopy(source, PLAN, PLACE);
    expect(JSON.stringify(source)).to.equal(before);
  });
});

describe('withoutLastingVolumes', () => {
  const CASES: readonly [name: string, source: object, now: 'kept' | 'emptyDir' | 'nothing'][] = [
    ['an emptyDir', { emptyDir: { medium: 'Memory' } }, 'kept'],
    ['a configMap', { configMap: { name: 'c' } }, 'kept'],
    ['a secret', { secret: { secretName: 's' } }, 'kept'],
    ['a projected volume', { projected: { sources: [] } }, 'kept'],
    ['an image', { image: { reference: 'r' } }, 'kept'],
    ['downwardAPI', { downwardAPI: {} }, 'kept'],
    ['no source', {}, 'kept'],
    ['a claim', { persistentVolumeClaim: { claimName: 'd' } }, 'emptyDir'],
    ['a hostPath', { hostPath: { path: '/var/log' } }, 'emptyDir'],
    ['a hostPath that is a directory', { hostPath: { path: '/srv', type: 'Directory' } }, 'emptyDir'],
    ['a hostPath that is a file', { hostPath: { path: '/etc/hosts', type: 'File' } }, 'nothing'],
    ['a hostPath that is a socket', { hostPath: { path: '/run/x.sock' } }, 'nothing'],
    ['the clock', { hostPath: { path: '/etc/localtime' } }, 'nothing'],
    ['nfs', { nfs: { server: 's', path: '/' } }, 'emptyDir'],
    ['a CSI driver', { csi: { driver: 'd' } }, 'emptyDir'],
    ['an ephemeral claim', { ephemeral: { volumeClaimTemplate: {} } }, 'emptyDir'],
    ['a git repository', { gitRepo: { repository: 'r' } }, 'emptyDir'],
    ['what there is not yet', { hologram: {} }, 'emptyDir'],
  ];
  for (const [name, source, now] of CASES) {
    it(`${now === 'kept' ? 'keeps' : `puts ${now} in place of`} ${name}`, () => {
      const volumes = [{ name: 'v', ...source }];
      const mounts = [{ name: 'v', mountPath: '/v' }];
      const { spec, leftOut } = withoutLastingVolumes(
        {
          volumes,
          containers: [{ ...APP, volumeMounts: mounts }],
          initContainers: [{ ...APP, volumeMounts: mounts }],
        },
        [],
      );
      const after = { kept: volumes, emptyDir: [{ name: 'v', emptyDir: {} }], nothing: [] }[now];
      expect(spec.volumes).to.deep.equal(after);
      for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
        expect(container.volumeMounts).to.deep.equal(now === 'nothing' ? [] : mounts);
      expect(leftOut.map((each) => [each.now, each.at])).to.deep.equal(now === 'kept' ? [] : [[now, ['/v']]]);
    });
  }

  it('knows the volumes that a StatefulSet would add', () => {
    const containers = [{ ...APP, volumeMounts: [{ name: 'data', mountPath: '/data' }] }];
    const { spec, leftOut } = withoutLastingVolumes({ containers }, ['data']);
    expect(spec.volumes).to.deep.equal([{ name: 'data', emptyDir: {} }]);
    expect(leftOut).to.have.length(1);
  });

  it('takes raw devices away', () => {
    const volumes = [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }];
    const containers = [{ ...APP, volumeDevices: [{ name: 'disk', devicePath: '/dev/xvda' }] }];
    const { spec, leftOut } = withoutLastingVolumes({ volumes, containers }, []);
    expect(spec.volumes).to.deep.equal([]);
    expect(spec.containers?.[0]).to.not.have.property('volumeDevices');
    expect(leftOut).to.deep.equal([
      { volume: 'disk', was: 'persistentVolumeClaim disk', now: 'nothing', at: ['/dev/xvda'] },
    ]);
  });
});

describe('copyName', () => {
  const CASES: readonly [original: string, name: string][] = [
    ['web', 'web-learn-x7k2p'],
    ['data-12', 'data-learn-x7k2p-12'],
    [`${'long.'.repeat(20)}x-3`, `${'long.'.repeat(9)}long-learn-x7k2p-3`],
  ];
  for (const [original, name] of CASES) {
    it(`makes ${name} of ${original.slice(0, 20)}`, () => {
      expect(copyName(original, 'x7k2p')).to.equal(name);
      expect(name.length).to.be.at.most(63);
    });
  }
});

describe('reachOf', () => {
  it('names what is reached, and no value', () => {
    const lines = reachOf({
      serviceAccountName: 'web',
      initContainers: [{ name: 'migrate', image: 'registry.example/migrate:1' }],
      containers: [
        {
          ...APP,
          args: ['--password', 'p1anted'],
          env: [
            { name: 'TOKEN', value: 'p1anted' },
            { name: 'WORD', valueFrom: { secretKeyRef: { name: 'word', key: 'k' } } },
          ],
          envFrom: [{ secretRef: { name: 'all' } }, { configMapRef: { name: 'settings' } }],
        },
      ],
      volumes: [
        { name: 'a', secret: { secretName: 'mounted' } },
        {
          name: 'b',
          projected: { sources: [{ secret: { name: 'part' } }, { configMap: { name: 'kube-root-ca.crt' } }] },
        },
      ],
    });
    expect(lines).to.deep.equal([
      'starts init container migrate (registry.example/migrate:1)',
      'starts container app (registry.example/web:1)',
      'reaches every Service, queue and database that the original reaches by the network: it may consume and send',
      'has the 2 environment variables of the original',
      'reads the same Secrets: all, mounted, part, word',
      'reads the same ConfigMap: settings',
      'acts as service account web towards the API server, where it has its token',
    ]);
  });
});
