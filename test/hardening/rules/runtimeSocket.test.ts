import { expect } from 'chai';
import { loadPolicies } from '../../../src/policy/load.js';
import type { VolumeMount } from '../../../src/hardening/podSpec.js';
import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.volumes[0].hostPath.path';
const host = (path: string, mount: Partial<VolumeMount> = {}) =>
  pod({
    volumes: [{ name: 'host', hostPath: { path } }],
    containers: [container({ volumeMounts: [{ name: 'host', mountPath: '/host', ...mount }] })],
  });

describe('runtimeSocket', () => {
  itHardens('runtimeSocket', [
    ...[
      '/var/run/docker.sock',
      '/run/docker.sock/',
      '/run/containerd/containerd.sock',
      '/run/crio/crio.sock',
      '/var/run/cri-dockerd.sock',
      '/run/podman/podman.sock',
      '/run/k3s/containerd/containerd.sock',
      '/run/containerd',
      '/var/run',
      '/run',
      '/var',
      '/',
      '/proc/1/root',
      '/proc/1/root/run/docker.sock',
      '/proc/self/root/var/run',
      '/proc/1/task/1/root/run',
      '/proc/1/root/proc/1/root/run',
      '/proc/1/cwd',
      '/proc/1/cwd/run/containerd',
      '/proc/1/task/1/cwd/run',
    ].map((path) => ({ title: `reports ${path}`, pod: host(path), violated: [`${FIELD} = "${path}"`] })),
    ...['/run/lock', '/var/lib/docker.sock', '/srv', '/run/docker.socket', '/proc/1/rootfs', '/proc/1'].map(
      (path) => ({
        title: `finds nothing wrong with ${path}`,
        pod: host(path),
        action: 'Deny' as const,
      }),
    ),
    {
      title: 'cleans the path first',
      pod: host('/srv/../run//docker.sock'),
      valid: false,
      violated: [`${FIELD} = "/srv/../run//docker.sock"`],
    },
    {
      title: 'reports a read-only mount: it still gives the socket away',
      pod: host('/run/docker.sock', { readOnly: true }),
      violated: [`${FIELD} = "/run/docker.sock"`],
    },
    { title: 'Warn reports', pod: host('/run'), action: 'Warn', violated: [`${FIELD} = "/run"`] },
    { title: 'Deny refuses', pod: host('/run'), action: 'Deny', violated: [`${FIELD} = "/run" (denied)`] },
    { title: 'Disabled does not run', pod: host('/run'), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: host('/run'),
      labels: { runtimeSocket: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception for one of two containers does not lift it from the other',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/run' } }],
        containers: [
          container({ volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
          container({ name: 'side', volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
        ],
      }),
      action: 'Deny',
      exceptions: [{ rules: ['runtimeSocket'], containers: ['side'] }],
      skipped: ['side: Excepted'],
      violated: [`${FIELD} = "/run" (denied)`],
    },
    {
      title: 'refuses an ephemeral container that mounts it',
      pod: pod({
        volumes: [{ name: 'host', hostPath: { path: '/run' } }],
        ephemeralContainers: [
          container({ name: 'debug', volumeMounts: [{ name: 'host', mountPath: '/h' }] }),
        ],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: [`${FIELD} = "/run" (denied)`],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
  ]);

  it('refuses Override: there is nothing that it could write', () => {
    const text = `{apiVersion: kube-harden.io/v1alpha1, kind: HardeningPolicy, metadata: {name: p}, spec: {rules: {runtimeSocket: {action: Override}}}}`;
    expect(() => loadPolicies(text)).to.throw(/still gives it away/);
  });
});
