import type { VolumeMount } from '../../../src/hardening/podSpec.js';
import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.volumes[0].hostPath.path';
const READ_ONLY = 'spec.containers[0].volumeMounts[0].readOnly';
const host = (path: string, mount: Partial<VolumeMount> = {}) =>
  pod({
    volumes: [{ name: 'host', hostPath: { path } }],
    containers: [container({ volumeMounts: [{ name: 'host', mountPath: '/host', ...mount }] })],
  });

describe('hostPath', () => {
  itHardens('hostPath', [
    ...['/', '/etc', '/etc/', '//etc', '/etc/kubernetes/pki', '/proc/1/root', '/dev/mem', '/usr/bin'].map(
      (path) => ({
        title: `reports ${path}`,
        pod: host(path),
        violated: [`${FIELD} = "${path}"`],
      }),
    ),
    ...['/srv/../etc', '/etc/../', 'etc'].map((path) => ({
      title: `cleans ${path} first`,
      pod: host(path),
      valid: false,
      violated: [`${FIELD} = "${path}"`],
    })),
    ...['/srv/data', '/etcetera', '/var/log', '/library'].map((path) => ({
      title: `compares by component and finds nothing wrong with ${path}`,
      pod: host(path),
      action: 'Deny' as const,
    })),
    {
      title: 'looks at ancestors too',
      pod: host('/var'),
      settings: { paths: ['/var/lib/kubelet'] },
      violated: [`${FIELD} = "/var"`],
    },
    { title: '/ in paths means exactly /', pod: host('/srv'), settings: { paths: ['/'] }, action: 'Deny' },
    {
      title: 'allows /etc/localtime read-only',
      pod: host('/etc/localtime', { readOnly: true }),
      action: 'Deny',
    },
    { title: 'reports it writable', pod: host('/etc/localtime'), violated: [`${FIELD} = "/etc/localtime"`] },
    {
      title: 'allows it writable where the policy does',
      pod: host('/etc/localtime'),
      settings: { allowed: [{ path: '/etc/localtime', readOnly: false }] },
    },
    {
      title: 'reports a read-only mount of what is not allowed',
      pod: host('/etc', { readOnly: true }),
      violated: [`${FIELD} = "/etc"`],
    },
    {
      title: 'Override makes the mount read-only',
      pod: host('/etc'),
      action: 'Override',
      set: { [READ_ONLY]: true },
    },
    {
      title: 'Override reports one that is read-only already',
      pod: host('/etc', { readOnly: true }),
      action: 'Override',
      violated: [`${FIELD} = "/etc"`],
    },
    {
      title: 'Override replaces an explicit false',
      pod: host('/etc', { readOnly: false }),
      action: 'Override',
      set: { [READ_ONLY]: true },
    },
    { title: 'Warn reports', pod: host('/boot'), action: 'Warn', violated: [`${FIELD} = "/boot"`] },
    { title: 'Deny refuses', pod: host('/boot'), action: 'Deny', violated: [`${FIELD} = "/boot" (denied)`] },
    { title: 'Disabled does not run', pod: host('/'), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: host('/'),
      labels: { hostPath: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'reports a volume once for each container that mounts it, however often',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/' } }],
        initContainers: [container({ name: 'init', volumeMounts: [{ name: 'host', mountPath: '/h' }] })],
        containers: [
          container({
            volumeMounts: [
              { name: 'host', mountPath: '/a' },
              { name: 'host', mountPath: '/b' },
            ],
          }),
        ],
      }),
      violated: [`${FIELD} = "/"`, `${FIELD} = "/"`],
    },
    {
      title: 'an exception for one of two containers leaves the other’s mount',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/etc' } }],
        containers: [
          container({ volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
          container({ name: 'side', volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
        ],
      }),
      action: 'Override',
      exceptions: [{ rules: ['hostPath'], containers: ['side'] }],
      set: { [READ_ONLY]: true },
      skipped: ['side: Excepted'],
    },
    {
      title: 'reports a volume that nothing mounts, on the pod',
      pod: pod({ volumes: [{ name: 'host', hostPath: { path: '/etc' } }] }),
      violated: [`${FIELD} = "/etc"`],
    },
    {
      title: 'allows an unmounted /etc/localtime',
      pod: pod({ volumes: [{ name: 'tz', hostPath: { path: '/etc/localtime' } }] }),
      action: 'Deny',
    },
    {
      title: 'does not stumble over a path that is null',
      pod: pod({ volumes: [{ name: 'host', hostPath: { path: null as unknown as string } }] }),
      valid: false,
    },
    {
      title: 'looks at no other kind of volume',
      pod: pod({ volumes: [{ name: 'c', configMap: { name: 'c' } }] }),
      action: 'Deny',
    },
    {
      title: 'makes the mount of an added ephemeral container read-only',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/etc' } }],
        ephemeralContainers: [
          container({ name: 'debug', volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
        ],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].volumeMounts[0].readOnly': true },
    },
    {
      title: 'does not report to an ephemeral container what it does not mount',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/etc' } }],
        ephemeralContainers: [container({ name: 'debug' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
    },
    {
      title: 'writes nothing for an unknown image under Safe, and reports',
      pod: host('/etc'),
      action: 'Override',
      unknownImages: 'Safe',
      violated: [`${FIELD} = "/etc"`],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
  ]);
});
