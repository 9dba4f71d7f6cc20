import { expect } from 'chai';
import type { Json } from './apiValidation.js';
import { barePod, canonicalQuantity, controllerPod } from './controllerPod.js';

const template = (spec: Json = {}): Json => ({
  metadata: { labels: { app: 'demo' }, annotations: { a: 'b' } },
  spec: { containers: [{ name: 'app', image: 'nginx', ...spec }] },
});
const workload = (kind: string, spec: Json): Json => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'demo' },
  spec,
});
const specOf = (pod: Json): Json => pod.spec as Json;

describe('controllerPod', () => {
  it('owns the Pod by what really creates it', () => {
    const owner = (object: Json): unknown =>
      ((controllerPod(object).metadata as Json).ownerReferences as Json[] | undefined)?.[0]?.kind;
    expect(owner(workload('Deployment', { template: template() }))).to.equal('ReplicaSet');
    expect(owner(workload('CronJob', { jobTemplate: { spec: { template: template() } } }))).to.equal('Job');
    for (const kind of ['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job'])
      expect(owner(workload(kind, { template: template() }))).to.equal(kind);
    expect(owner({ kind: 'PodTemplate', metadata: { name: 'x' }, template: template() })).to.equal(undefined);
  });

  it('fills defaults, the token volume and tolerations', () => {
    const pod = controllerPod(
      workload('Deployment', { template: template({ resources: { limits: { cpu: '0.5' } } }) }),
    );
    expect(specOf(pod)).to.deep.include({
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      securityContext: {},
      serviceAccountName: 'default',
    });
    expect((specOf(pod).containers as Json[])[0]).to.deep.include({
      imagePullPolicy: 'Always',
      terminationMessagePolicy: 'File',
      resources: { limits: { cpu: '500m' }, requests: { cpu: '500m' } },
      volumeMounts: [
        {
          name: 'kube-api-access-x7k2p',
          readOnly: true,
          mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        },
      ],
    });
    expect((specOf(pod).volumes as Json[]).map(({ name }) => name)).to.deep.equal(['kube-api-access-x7k2p']);
    expect(specOf(pod).tolerations).to.have.length(2);
  });

  it('mounts no token where the pod says so, or where something is mounted there already', () => {
    const off = barePod({
      spec: { automountServiceAccountToken: false, containers: [{ name: 'a', image: 'i' }] },
    });
    expect(specOf(off).volumes).to.equal(undefined);
    const own = { name: 'mine', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    const mounted = barePod({
      spec: {
        volumes: [{ name: 'mine', emptyDir: {} }],
        containers: [{ name: 'a', image: 'i', volumeMounts: [own] }],
      },
    });
    expect(specOf(mounted).volumes).to.have.length(1);
  });

  it('takes any volume named kube-api-access-* for the token volume, as the plugin does', () => {
    const volume = {
      name: 'kube-api-access-mine',
      projected: { sources: [{ serviceAccountToken: { path: 't' } }] },
    };
    const pod = barePod({ spec: { volumes: [volume], containers: [{ name: 'a', image: 'i' }] } });
    expect(specOf(pod).volumes).to.have.length(1);
    expect((specOf(pod).containers as Json[])[0]?.volumeMounts).to.have.length(1);
  });

  it('gives StatefulSet Pods their claims in place of volumes of the same name, DaemonSet Pods their node', () => {
    const set = workload('StatefulSet', {
      template: { spec: { ...(template().spec as Json), volumes: [{ name: 'data', emptyDir: {} }] } },
      volumeClaimTemplates: [{ metadata: { name: 'data' } }],
    });
    expect((specOf(controllerPod(set)).volumes as Json[])[0]).to.deep.equal({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-demo-0' },
    });
    const daemon = specOf(controllerPod(workload('DaemonSet', { template: template() })));
    expect(daemon.affinity).to.deep.equal({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] },
          ],
        },
      },
    });
    expect(daemon.tolerations).to.have.length(6);
  });

  it('keeps free-form keys such as __proto__ as data', () => {
    const attributes = JSON.parse('{"__proto__":"x","a~b":"y"}') as Json;
    const pod = barePod({
      spec: {
        volumes: [{ name: 'v', csi: { driver: 'd', volumeAttributes: attributes } }],
        containers: [{ name: 'a', image: 'i' }],
      },
    });
    expect(JSON.stringify(specOf(pod).volumes)).to.contain('"volumeAttributes":{"__proto__":"x","a~b":"y"}');
  });

  it('writes quantities as the API does', () => {
    const rows: [unknown, string][] = [
      [1, '1'],
      ['0.5', '500m'],
      ['1000m', '1'],
      ['1024Mi', '1Gi'],
      ['1.5Gi', '1536Mi'],
      ['12e6', '12e6'],
      ['1100n', '1m'],
      ['0', '0'],
      ['1000Ki', '1000Ki'],
      ['0.5Ki', '512'],
      ['100000k', '100M'],
    ];
    for (const [value, text] of rows) expect(canonicalQuantity(value), String(value)).to.equal(text);
  });
});
