import { expect } from 'chai';
import { specWithEveryRule } from '../support/everyRule.js';
import type { ApiReply, Json } from './controlPlane/apiClient.js';
import { applyPolicy } from './support/hardeningPolicies.js';
import { makeNamespace, world } from './support/world.js';

const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/main';
const UNCONFINED = { appArmorProfile: { type: 'Unconfined' } };
const DEFAULT = { appArmorProfile: { type: 'RuntimeDefault' } };
const RAW = {
  containers: [
    {
      name: 'main',
      image: 'registry.example/shop/web:1',
      volumeDevices: [{ name: 'raw', devicePath: '/dev/xvda' }],
    },
  ],
  volumes: [{ name: 'raw', persistentVolumeClaim: { claimName: 'raw-0' } }],
};
const WINDOWS = { os: { name: 'windows' } };

interface Wanted {
  readonly spec?: Readonly<Record<string, Json>>;
  readonly container?: Readonly<Record<string, Json>>;
  readonly annotation?: string;
}

function podOf({ spec = {}, container = {}, annotation }: Wanted): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', ...(annotation !== undefined && { annotations: { [APPARMOR]: annotation } }) },
    spec: { containers: [{ name: 'main', image: 'registry.example/shop/web:1', ...container }], ...spec },
  };
}

function send(namespace: string, wanted: Wanted): Promise<ApiReply> {
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  return world().controlPlane.api('POST', path, podOf(wanted));
}

/*
 * What the rules take for granted of the API server's own ways with the fields that they write, by the judge itself: the
 * reason why they leave something alone, and why two of them have no Default.
 */
describe('the fields of a pod that rules write', function () {
  this.timeout(60_000);

  let plain: string;
  let enforced: Readonly<Record<'default' | 'restricted', string>>;

  before(async () => {
    const made = async (base: 'default' | 'restricted'): Promise<string> => {
      await applyPolicy(`fields-${base}`, specWithEveryRule(base));
      return makeNamespace({ 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': `fields-${base}` });
    };
    plain = await makeNamespace();
    enforced = { default: await made('default'), restricted: await made('restricted') };
  });

  const refused: readonly (readonly [what: string, wanted: Wanted, why: RegExp])[] = [
    [
      'an AppArmor field beside an empty annotation',
      { container: { securityContext: DEFAULT }, annotation: '' },
      /annotation and field must match/,
    ],
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).map(
      (field) =>
        [
          `hostUsers: false beside ${field}`,
          { spec: { hostUsers: false, [field]: true } },
          new RegExp(`spec.${field}: Forbidden: when \`hostUsers\` is false`, 'i'),
        ] as const,
    ),
    [
      'hostUsers: false beside a raw device',
      { spec: { ...RAW, hostUsers: false } },
      /volumeDevices: Forbidden: when `hostUsers` is false/,
    ],
    [
      'procMount: Unmasked without it',
      { container: { securityContext: { procMount: 'Unmasked' } } },
      /`hostUsers` must be false to use `Unmasked`/,
    ],
    ['hostUsers on Windows', { spec: { ...WINDOWS, hostUsers: false } }, /cannot be set for a windows pod/],
    [
      'supplementalGroupsPolicy on Windows',
      { spec: { ...WINDOWS, securityContext: { supplementalGroupsPolicy: 'Strict' } } },
      /cannot be set for a windows pod/,
    ],
  ];
  for (const [what, wanted, why] of refused)
    it(`are refused: ${what}`, async () => {
      const { status, body } = await send(plain, wanted);
      expect(status, JSON.stringify(body)).to.equal(422);
      expect(body.message).to.match(why);
    });

  it('are refused in a template: an AppArmor annotation beside another profile that the container inherits', async () => {
    const { metadata, ...pod } = podOf({ spec: { securityContext: DEFAULT }, annotation: 'unconfined' });
    const template = { metadata, template: { metadata, spec: pod.spec } };
    const { status, body } = await world().controlPlane.api(
      'POST',
      `/api/v1/namespaces/${plain}/podtemplates?dryRun=All`,
      { apiVersion: 'v1', kind: 'PodTemplate', ...template },
    );
    expect(status, JSON.stringify(body)).to.equal(422);
    expect(body.message).to.match(/annotation and field must match/);
  });

  it('are filled in where the author is silent: enableServiceLinks and imagePullPolicy', async () => {
    const model = { name: 'model', image: { reference: 'registry.example/models/small:3' } };
    const { body } = await send(plain, { spec: { volumes: [model] } });
    expect(body.spec).to.deep.include({ enableServiceLinks: true });
    expect(body.spec.containers[0].imagePullPolicy).to.equal('IfNotPresent');
    expect(body.spec.volumes[0].image.pullPolicy).to.equal('IfNotPresent');
    const hardened = await send(enforced.default, { spec: { volumes: [model] } });
    expect(hardened.body.spec).to.deep.include({ enableServiceLinks: false, hostUsers: false });
    expect(hardened.body.spec.containers[0].imagePullPolicy).to.equal('Always');
    expect(hardened.body.spec.volumes[0].image.pullPolicy).to.equal('Always');
  });

  it('are copied from the annotation where they are unset: appArmorProfile', async () => {
    const { body } = await send(plain, { annotation: 'unconfined' });
    expect(body.spec.containers[0].securityContext).to.deep.equal(UNCONFINED);
  });

  const hardened: readonly (readonly [
    what: string,
    base: 'default' | 'restricted',
    wanted: Wanted,
    expected: Readonly<Record<string, unknown>>,
  ])[] = [
    ['no profile', 'default', {}, { pod: 'RuntimeDefault' }],
    [
      'Unconfined in the annotation, under Default',
      'default',
      { annotation: 'unconfined' },
      { main: 'Unconfined', annotation: 'unconfined' },
    ],
    ['an empty annotation, under Default', 'default', { annotation: '' }, { annotation: '' }],
    [
      'a profile of the node in the annotation',
      'restricted',
      { annotation: 'localhost/shop' },
      { main: 'Localhost', annotation: 'localhost/shop' },
    ],
    [
      'Unconfined in the annotation, under Override',
      'restricted',
      { annotation: 'unconfined' },
      { pod: 'RuntimeDefault' },
    ],
    ['an empty annotation, under Override', 'restricted', { annotation: '' }, { pod: 'RuntimeDefault' }],
    [
      'Unconfined on the pod and the container, under Override',
      'restricted',
      { spec: { securityContext: UNCONFINED }, container: { securityContext: UNCONFINED } },
      { pod: 'RuntimeDefault', main: 'RuntimeDefault' },
    ],
  ];
  for (const [what, base, wanted, expected] of hardened)
    it(`are accepted hardened, AppArmor: ${what}`, async () => {
      const { status, body } = await send(enforced[base], wanted);
      expect(status, JSON.stringify(body)).to.equal(201);
      const annotation = body.metadata.annotations?.[APPARMOR];
      const [pod, main] = [body.spec, body.spec.containers[0]].map(
        ({ securityContext }: Json) => securityContext?.appArmorProfile?.type,
      );
      expect({ pod, main, annotation }).to.deep.equal({
        pod: undefined,
        main: undefined,
        annotation: undefined,
        ...expected,
      });
    });

  it('are left alone where the API server would refuse them: hostUsers beside a raw device', async () => {
    const { status, body } = await send(enforced.default, { spec: RAW });
    expect(status, JSON.stringify(body)).to.equal(201);
    expect(body.spec).not.to.have.property('hostUsers');
  });
});
