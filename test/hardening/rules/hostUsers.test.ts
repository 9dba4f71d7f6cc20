import { expect } from 'chai';
import type { Container, PodSpec } from '../../../src/hardening/podSpec.js';
import { container, hardenPod, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.hostUsers';
const RANGED = { action: 'Default', strategy: 'NamespaceRange' } as const;
const RANGE = '1000680000/10000';
const withContainer = (fields: Partial<Container>, spec: Partial<PodSpec> = {}) =>
  pod({ ...spec, containers: [container(fields)] });
const RAW = withContainer(
  { volumeDevices: [{ name: 'raw', devicePath: '/dev/xvda' }] },
  { volumes: [{ name: 'raw', persistentVolumeClaim: { claimName: 'raw-0' } }] },
);

describe('hostUsers', () => {
  itHardens('hostUsers', [
    { title: 'is false where it is unset', pod: pod(), set: { [FIELD]: false } },
    { title: 'lets false be', pod: pod({ hostUsers: false }), action: 'Deny' },
    { title: 'reports an explicit true', pod: pod({ hostUsers: true }), violated: [`${FIELD} = true`] },
    {
      title: 'Override replaces an explicit true',
      pod: pod({ hostUsers: true }),
      action: 'Override',
      set: { [FIELD]: false },
    },
    { title: 'Warn reports an unset one', pod: pod(), action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses an unset one', pod: pod(), action: 'Deny', violated: [`${FIELD} (denied)`] },
    { title: 'Disabled does not run', pod: pod({ hostUsers: true }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { hostUsers: 'disabled' },
      skipped: ['OptedOut'],
    },
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).flatMap((namespace) => [
      {
        title: `leaves a pod with ${namespace} alone, which the API server would refuse`,
        pod: pod({ [namespace]: true }),
        action: 'Override' as const,
        skipped: ['ApiWouldReject'],
      },
      {
        title: `is set where hostNamespaces takes ${namespace} away in the same pass`,
        pod: pod({ [namespace]: true }),
        rules: { hostNamespaces: 'Override' as const },
        set: { [FIELD]: false },
      },
    ]),
    {
      title: 'leaves a pod with ports of the host’s network alone where a label lifts hostNamespaces',
      pod: pod({ hostNetwork: true }),
      rules: { hostNamespaces: 'Override' },
      labels: { hostNamespaces: 'disabled' },
      skipped: ['ApiWouldReject'],
    },
    { title: 'leaves a pod with raw devices alone', pod: RAW, skipped: ['ApiWouldReject'] },
    {
      title: 'Deny refuses what stands in its way',
      pod: pod({ hostPID: true }),
      action: 'Deny',
      violated: [`${FIELD} (denied)`],
    },
    {
      title: 'leaves a pod with a privileged container alone',
      pod: withContainer({ securityContext: { privileged: true } }),
      skipped: ['PrivilegedContainer'],
    },
    {
      title: 'is set where that rule makes the container an ordinary one in the same pass',
      pod: withContainer({ securityContext: { privileged: true } }),
      rules: { privileged: 'Override' },
      set: { [FIELD]: false },
    },
    {
      title: 'leaves a pod with an NFS volume alone, whose ids the kernel cannot map',
      pod: pod({ volumes: [{ name: 'share', nfs: { server: 'nfs.example', path: '/' } }] }),
      skipped: ['NodeWouldReject'],
    },
    ...(['runAsUser', 'runAsGroup', 'fsGroup'] as const).flatMap((name) => [
      {
        title: `leaves a pod with a ${name} alone that would not exist there`,
        pod: pod({ securityContext: { [name]: 65536 } }),
        skipped: ['NodeWouldReject'],
      },
      {
        title: `knows the last ${name} that exists there`,
        pod: pod({ securityContext: { [name]: 65535 } }),
        set: { [FIELD]: false },
      },
    ]),
    {
      title: 'leaves supplementalGroups above 65535 alone',
      pod: pod({ securityContext: { supplementalGroups: [4000, 70000] } }),
      skipped: ['NodeWouldReject'],
    },
    {
      title: 'leaves a container’s uid above 65535 alone',
      pod: withContainer({ securityContext: { runAsUser: 1000680000 } }),
      skipped: ['NodeWouldReject'],
    },
    {
      title: 'leaves an image alone whose profile has such a uid',
      pod: pod(),
      imageProfiles: [{ images: ['registry.example/shop/web'], runAsUser: 100000 }],
      skipped: ['NodeWouldReject'],
    },
    {
      title: 'leaves a pod alone that the policy may give such a uid',
      pod: pod(),
      rules: { runAsUser: { action: 'Default', value: 100000 } },
      skipped: ['NodeWouldReject'],
    },
    {
      title: 'a namespace’s range is no obstacle: in a user namespace it does not apply',
      pod: pod(),
      rules: { runAsUser: RANGED },
      uidRange: RANGE,
      set: { [FIELD]: false },
    },
    {
      title: 'an exception for one of two containers does not lift what is the pod’s',
      pod: pod({ containers: [container(), container({ name: 'side' })] }),
      exceptions: [{ rules: ['hostUsers'], containers: ['side'] }],
      set: { [FIELD]: false },
    },
    {
      title: 'one that matches every container does',
      pod: pod(),
      exceptions: [{ rules: ['hostUsers'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is of high risk: unknown images do not get it under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
    },
  ]);

  it('runs before runAsUser, which gives a pod in a user namespace no uid of the namespace’s range', () => {
    const given = { rules: { hostUsers: 'Default', runAsUser: RANGED }, uidRange: RANGE } as const;
    expect(hardenPod(pod(), given).hardened.spec.securityContext).to.include({
      runAsUser: 65532,
      fsGroup: 65532,
    });
    const held = { ...given, labels: { hostUsers: 'disabled' } };
    expect(hardenPod(pod(), held).hardened.spec.securityContext).to.include({
      runAsUser: 1000680000,
      fsGroup: 1000680000,
    });
  });

  it('is left alone for good where the author’s own uid on the pod is above that', () => {
    const given = withContainer(
      { securityContext: { runAsUser: 0 } },
      { securityContext: { runAsUser: 2147483647 } },
    );
    const { hardened } = hardenPod(given, { rules: { hostUsers: 'Override', runAsUser: 'Override' } });
    expect(hardened.spec.securityContext).to.include({ runAsUser: 2147483647 });
    expect(hardened.spec.containers?.[0]?.securityContext).to.include({ runAsUser: 65532 });
    expect(hardened.spec).not.to.have.property('hostUsers');
  });

  it('says what stands in the way', () => {
    const details = [
      pod({ hostPID: true }),
      RAW,
      pod({ volumes: [{ name: 'share', nfs: { server: 'nfs.example', path: '/' } }] }),
      pod({ securityContext: { fsGroup: 70000 } }),
    ].map((given) => hardenPod(given, { rules: { hostUsers: 'Default' } }).skips[0]?.detail);
    expect(details).to.deep.equal([
      'hostPID is true',
      'container "web" has volumeDevices',
      'volume "share" is NFS',
      'fsGroup is above 65535',
    ]);
  });
});
