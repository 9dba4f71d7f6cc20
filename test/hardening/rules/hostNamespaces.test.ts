import { expect } from 'chai';
import { REMOVED, container, hardenPod, itHardens, pod } from '../../support/harden.js';

const ALL = pod({ hostNetwork: true, hostPID: true, hostIPC: true });
const HOST_PROCESS_CONTEXT = { securityContext: { windowsOptions: { hostProcess: true } } };
const HOST_PROCESS = pod({ hostNetwork: true, ...HOST_PROCESS_CONTEXT });
const two = { containers: [container(), container({ name: 'side' })] };

describe('hostNamespaces', () => {
  itHardens('hostNamespaces', [
    { title: 'sets nothing where they are unset, for that means false', pod: pod(), action: 'Deny' },
    {
      title: 'lets false be',
      pod: pod({ hostNetwork: false, hostPID: false, hostIPC: false }),
      action: 'Override',
    },
    {
      title: 'reports each that is true, under Default too',
      pod: ALL,
      violated: ['spec.hostNetwork = true', 'spec.hostPID = true', 'spec.hostIPC = true'],
    },
    {
      title: 'Override makes each false',
      pod: ALL,
      action: 'Override',
      set: { 'spec.hostNetwork': false, 'spec.hostPID': false, 'spec.hostIPC': false },
    },
    { title: 'Warn reports', pod: pod({ hostPID: true }), action: 'Warn', violated: ['spec.hostPID = true'] },
    {
      title: 'Deny refuses',
      pod: pod({ hostNetwork: true, hostIPC: true }),
      action: 'Deny',
      violated: ['spec.hostNetwork = true (denied)', 'spec.hostIPC = true (denied)'],
    },
    { title: 'Disabled does not run', pod: ALL, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: ALL,
      labels: { hostNamespaces: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'Override removes each hostPort that equals its containerPort, which the API server had set',
      pod: pod({
        hostNetwork: true,
        initContainers: [
          container({
            name: 'proxy',
            restartPolicy: 'Always',
            ports: [{ containerPort: 15001, hostPort: 15001 }],
          }),
        ],
        containers: [
          container({
            ports: [
              { containerPort: 80, hostPort: 80 },
              { containerPort: 81, hostPort: 81 },
            ],
          }),
        ],
      }),
      action: 'Override',
      set: {
        'spec.hostNetwork': false,
        'spec.initContainers[0].ports[0].hostPort': REMOVED,
        'spec.containers[0].ports[0].hostPort': REMOVED,
        'spec.containers[0].ports[1].hostPort': REMOVED,
      },
    },
    {
      title: 'and leaves one that differs, which its author chose',
      pod: pod({
        hostNetwork: true,
        containers: [container({ ports: [{ containerPort: 80, hostPort: 8080 }] })],
      }),
      valid: false,
      action: 'Override',
      set: { 'spec.hostNetwork': false },
    },
    {
      title: 'an exception for one of two containers does not lift a rule about the whole pod',
      pod: pod({ ...two, hostPID: true }),
      action: 'Override',
      exceptions: [{ rules: ['hostNamespaces'], containers: ['side'] }],
      set: { 'spec.hostPID': false },
    },
    {
      title: 'one that matches every container does',
      pod: pod({ ...two, hostPID: true }),
      action: 'Override',
      exceptions: [{ rules: ['hostNamespaces'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is held back, and reported, as soon as one image is unknown under Safe',
      pod: pod({ hostPID: true, containers: [container({ image: 'redis' }), container({ name: 'b' })] }),
      action: 'Override',
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
      violated: ['spec.hostPID = true'],
    },
    {
      title: 'Override takes hostProcess away too, which the API accepts only on the host network',
      pod: HOST_PROCESS,
      valid: false,
      action: 'Override',
      set: { 'spec.hostNetwork': false, 'spec.securityContext.windowsOptions.hostProcess': false },
    },
    {
      title: 'the same for hostProcess on containers',
      pod: pod({
        hostNetwork: true,
        initContainers: [container({ name: 'setup', ...HOST_PROCESS_CONTEXT })],
        containers: [container(HOST_PROCESS_CONTEXT)],
      }),
      valid: false,
      action: 'Override',
      set: {
        'spec.hostNetwork': false,
        'spec.initContainers[0].securityContext.windowsOptions.hostProcess': false,
        'spec.containers[0].securityContext.windowsOptions.hostProcess': false,
      },
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ hostPID: true, ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
    },
  ]);

  it('says that the host’s network is the host’s UTS namespace too', () => {
    const { violations } = hardenPod(pod({ hostNetwork: true }), { rules: { hostNamespaces: 'Default' } });
    expect(violations[0]?.detail).to.match(/UTS/);
  });
});
