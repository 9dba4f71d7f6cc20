import { expect } from 'chai';
import type { Capabilities, SecurityContext } from '../../../src/hardening/podSpec.js';
import type { ImageProfile } from '../../../src/hardening/plan.js';
import {
  REMOVED,
  container,
  hardenPod,
  itHardens,
  pod,
  podWith,
  type RuleChoice,
} from '../../support/harden.js';

const FIELD = 'spec.containers[0].securityContext.capabilities';
const DROP = `${FIELD}.drop`;
const ADD = `${FIELD}.add`;
const ALL = { [DROP]: ['ALL'] };

/** A container whose own uid is not root: nothing but its capabilities is in question. */
const user = (capabilities: Capabilities = {}) => podWith({ runAsUser: 1000, capabilities });
const root = (capabilities?: Capabilities, image?: string) =>
  pod({
    containers: [
      container({
        ...(image && { image }),
        securityContext: { runAsUser: 0, ...(capabilities && { capabilities }) },
      }),
    ],
  });
const withUid: { rules: { runAsUser: RuleChoice } } = { rules: { runAsUser: 'Default' } };
const profile = (fields: Partial<ImageProfile>): { imageProfiles: ImageProfile[] } => ({
  imageProfiles: [{ images: ['registry.example/shop/web'], ...fields }],
});

describe('capabilities', () => {
  itHardens('capabilities', [
    { title: 'drops ALL where the author names nothing', pod: podWith({ runAsUser: 1000 }), set: ALL },
    { title: 'drops ALL where runAsUser writes the uid', pod: pod(), ...withUid, set: ALL },
    { title: 'drops ALL where non-root is declared', pod: podWith({ runAsNonRoot: true }), set: ALL },
    { title: 'leaves [ALL] as it is', pod: user({ drop: ['ALL'] }), action: 'Deny' },
    { title: 'makes `all` the literal that Pod Security wants', pod: user({ drop: ['all'] }), set: ALL },
    { title: 'makes any other list [ALL]', pod: user({ drop: ['NET_RAW', 'MKNOD'] }), set: ALL },
    { title: 'makes [ALL, NET_RAW] exactly [ALL]', pod: user({ drop: ['ALL', 'NET_RAW'] }), set: ALL },
    { title: 'makes an empty list [ALL]', pod: user({ drop: [] }), set: ALL },
    {
      title: 'lets an allowed add stand beside it, in any spelling',
      pod: user({ add: ['cap_net_bind_service'] }),
      set: ALL,
    },
    {
      title: 'lets another add stand under Default and reports it',
      pod: user({ add: ['NET_ADMIN'] }),
      set: ALL,
      violated: [`${ADD} = ["NET_ADMIN"]`],
    },
    {
      title: 'Override removes what is not allowed, and writes the rest as Kubernetes does',
      pod: user({ add: ['CAP_NET_ADMIN', 'net_bind_service'], drop: ['ALL'] }),
      action: 'Override',
      set: { [ADD]: ['NET_BIND_SERVICE'] },
    },
    {
      title: 'Override takes the list away where nothing is left of it',
      pod: user({ add: ['ALL'] }),
      action: 'Override',
      set: { ...ALL, [ADD]: REMOVED },
    },
    {
      title: 'takes what is allowed from the policy',
      pod: user({ add: ['SYS_PTRACE'] }),
      settings: { allowedAdd: ['SYS_PTRACE'] },
      set: ALL,
    },
    { title: 'Warn reports an unset drop', pod: user(), action: 'Warn', violated: [DROP] },
    {
      title: 'Warn reports a weaker drop and an add',
      pod: user({ drop: ['NET_RAW'], add: ['SYS_TIME'] }),
      action: 'Warn',
      violated: [`${ADD} = ["SYS_TIME"]`, `${DROP} = ["NET_RAW"]`],
    },
    { title: 'Deny refuses an unset drop', pod: user(), action: 'Deny', violated: [`${DROP} (denied)`] },
    {
      title: 'Deny refuses an add',
      pod: user({ drop: ['ALL'], add: ['SYS_TIME'] }),
      action: 'Deny',
      violated: [`${ADD} = ["SYS_TIME"] (denied)`],
    },
    {
      title: 'Deny refuses a root container that keeps its capabilities',
      pod: root(),
      action: 'Deny',
      violated: [`${DROP} (denied)`],
    },
    { title: 'Disabled does not run', pod: user({ add: ['ALL'] }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: user({ add: ['ALL'] }),
      labels: { capabilities: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception lifts it from one of two containers',
      pod: pod({ securityContext: { runAsUser: 1 }, containers: [container(), container({ name: 'side' })] }),
      exceptions: [{ rules: ['capabilities'], containers: ['side'] }],
      set: ALL,
      skipped: ['side: Excepted'],
    },
    {
      title: 'is held back for unknown images under Safe',
      pod: user(),
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'reaches init containers, and the ephemeral container that is added',
      pod: pod({
        securityContext: { runAsUser: 1000 },
        initContainers: [container({ name: 'init' })],
      }),
      set: { 'spec.initContainers[0].securityContext.capabilities.drop': ['ALL'], ...ALL },
    },
    {
      title: 'reaches an ephemeral container',
      pod: pod({ securityContext: { runAsUser: 1000 }, ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: { 'spec.ephemeralContainers[0].securityContext.capabilities.drop': ['ALL'] },
    },

    // Bare pods: with another list than its author's, the next kubectl apply fails.
    {
      title: 'an explicit drop stands on a bare pod',
      pod: user({ drop: ['NET_RAW'] }),
      bare: true,
      skipped: ['web: BarePod'],
    },
    { title: 'an unset one is set on a bare pod too', pod: user(), bare: true, set: ALL },
    {
      title: 'a drop that holds ALL among others stands on a bare pod',
      pod: user({ drop: ['ALL', 'KILL'] }),
      bare: true,
    },
    {
      title: 'Override replaces it on a bare pod',
      pod: user({ drop: ['NET_RAW'] }),
      bare: true,
      action: 'Override',
      set: ALL,
    },
    {
      title: 'Warn reports it on a bare pod',
      pod: user({ drop: ['NET_RAW'] }),
      bare: true,
      action: 'Warn',
      violated: [`${DROP} = ["NET_RAW"]`],
    },
    {
      title: 'an explicit add stands on a bare pod where something would have to be added to it',
      pod: user({ add: ['NET_BIND_SERVICE'] }),
      bare: true,
      ...profile({ needs: ['CHOWN'] }),
      skipped: ['web: BarePod'],
    },

    // Containers that start as root.
    { title: 'leaves a container alone that starts as root', pod: root(), skipped: ['web: StartsAsRoot'] },
    {
      title: 'leaves a partial drop of one alone',
      pod: root({ drop: ['MKNOD'] }),
      skipped: ['web: StartsAsRoot'],
    },
    { title: 'normalises `all` on one: nothing goes that was there', pod: root({ drop: ['all'] }), set: ALL },
    {
      title: 'a lasting volume under an unknown image counts as root',
      pod: pod({
        volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }],
        containers: [container({ volumeMounts: [{ name: 'd', mountPath: '/d' }] })],
      }),
      ...withUid,
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'counts a container as root whose uid runAsUser only warns of',
      pod: pod(),
      rules: { runAsUser: 'Warn' },
      skipped: ['web: StartsAsRoot'],
    },
    { title: 'Override drops ALL from root all the same', pod: root(), action: 'Override', set: ALL },
    { title: 'an opt-out that is Forbidden does too', pod: root(), optOut: 'Forbidden', set: ALL },
    {
      title: 'Warn under a forbidden opt-out writes nothing',
      pod: root(),
      action: 'Warn',
      optOut: 'Forbidden',
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'leaves a privileged container alone',
      pod: podWith({ privileged: true, capabilities: { add: ['ALL'] } }),
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'has nothing to say of a privileged container that drops ALL and adds nothing',
      pod: podWith({ privileged: true, capabilities: { drop: ['ALL'] } }),
    },
    {
      title: 'hardens a container whose privileged this pass overrides',
      pod: podWith({ privileged: true, runAsUser: 1000 }),
      rules: { privileged: 'Override' },
      set: ALL,
    },

    // Image profiles.
    {
      title: 'gives root back what the profile of exactly this image names',
      pod: root(undefined, 'nginx:1.27'),
      set: { ...ALL, [ADD]: ['CHOWN', 'SETUID', 'SETGID', 'NET_BIND_SERVICE'] },
    },
    {
      title: 'gives a non-root container of that image nothing',
      pod: pod({ containers: [container({ image: 'nginx' })] }),
      ...withUid,
      set: ALL,
    },
    {
      title: 'a mirror’s name gives nothing back, and does not drop ALL either',
      pod: root(undefined, 'evil.example/library/nginx'),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'a mirror’s name gives nothing back where ALL is insisted on',
      pod: root(undefined, 'evil.example/library/nginx'),
      action: 'Override',
      set: ALL,
    },
    {
      title: 'never gives back what the author dropped by name',
      pod: root({ drop: ['cap_chown', 'SETGID'] }, 'redis'),
      set: { ...ALL, [ADD]: ['SETUID'] },
    },
    {
      title: 'never gives anything back where the author dropped ALL, in any case',
      pod: root({ drop: ['All'] }, 'redis'),
      set: ALL,
    },
    { title: 'leaves an author’s [ALL] as it is', pod: root({ drop: ['ALL'] }, 'redis') },
    {
      title: 'adds to what the author adds, each once',
      pod: root({ add: ['CHOWN'] }, 'redis'),
      set: { ...ALL, [ADD]: ['CHOWN', 'SETUID', 'SETGID'] },
    },
    {
      title: 'what a profile gives back is no violation on the next pass, nor for Override',
      pod: root({ drop: ['ALL'], add: ['CHOWN', 'SETUID', 'SETGID'] }, 'redis'),
      action: 'Override',
    },
    {
      title: 'adds a capability that the binary needs beside drop ALL',
      pod: user(),
      ...profile({ needs: ['NET_BIND_SERVICE'] }),
      set: { ...ALL, [ADD]: ['NET_BIND_SERVICE'] },
    },
    {
      title: 'a policy’s own needs hold under Override too',
      pod: user({ add: ['CHOWN'] }),
      action: 'Override',
      ...profile({ needs: ['CHOWN'] }),
      set: ALL,
    },
    {
      title: 'needs of a pattern are not believed',
      pod: user(),
      imageProfiles: [{ images: ['registry.example/*'], needs: ['NET_BIND_SERVICE'] }],
      set: ALL,
    },
    {
      title: 'never gives more than a container has by default',
      pod: root(),
      ...profile({ startsAsRoot: { capabilities: ['SYS_ADMIN', 'CHOWN', 'CHOWN', 'NET_RAW'] } }),
      set: { ...ALL, [ADD]: ['CHOWN'] },
    },
    {
      title: 'drops ALL and gives nothing where the profile says that root needs nothing',
      pod: root(),
      ...profile({ startsAsRoot: { capabilities: [] } }),
      set: ALL,
    },
    {
      title: 'Warn reports and gives nothing back',
      pod: root(undefined, 'redis'),
      action: 'Warn',
      violated: [DROP],
    },
    {
      title: 'under an exception nothing is given back either',
      pod: root(undefined, 'redis'),
      exceptions: [{ rules: ['capabilities'] }],
      skipped: ['web: Excepted'],
    },
    {
      title: 'the policy’s own profile wins over a built-in one, and they are not merged',
      pod: root(undefined, 'nginx'),
      imageProfiles: [{ images: ['nginx'], startsAsRoot: { capabilities: ['KILL'] } }],
      set: { ...ALL, [ADD]: ['KILL'] },
    },
  ]);

  it('says what breaks where ALL goes from root, and why something comes back', () => {
    const insisted = hardenPod(root(), { rules: { capabilities: 'Override' } }).changes[0];
    expect(insisted?.risk).to.equal('high');
    expect(insisted?.reason).to.match(/entrypoint/);
    const [drop, add] = hardenPod(root(undefined, 'redis'), { rules: { capabilities: 'Default' } }).changes;
    expect(drop?.risk).to.equal(undefined);
    expect(add?.reason).to.match(/profile/);
  });

  it('an author who adds capabilities to look like root gets no uid, and is not given back more than asked', () => {
    const context: SecurityContext = { capabilities: { add: ['NET_ADMIN'] } };
    const { hardened } = hardenPod(podWith(context), { policy: 'default' });
    expect(hardened.spec.containers?.[0]?.securityContext?.capabilities).to.deep.equal({
      add: ['NET_ADMIN'],
    });
  });
});
