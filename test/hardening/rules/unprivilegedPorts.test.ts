import { container, itHardens, pod, type RuleChoice } from '../../support/harden.js';

const FIELD = 'spec.securityContext.sysctls[]';
const SYSCTL = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' };
const SET = { [FIELD]: [SYSCTL] };
const low = { ports: [{ containerPort: 80 }] };
const user = { securityContext: { runAsUser: 1000 } };
const listening = pod({ ...user, containers: [container(low)] });
const withUid: { rules: { runAsUser: RuleChoice } } = { rules: { runAsUser: 'Default' } };

describe('unprivilegedPorts', () => {
  itHardens('unprivilegedPorts', [
    { title: 'sets the sysctl where a non-root container declares a low port', pod: listening, set: SET },
    {
      title: 'sets it where runAsUser makes it non-root',
      pod: pod({ containers: [container(low)] }),
      ...withUid,
      set: SET,
    },
    {
      title: 'sets it where the image’s profile says that it listens there, a mirror’s too',
      pod: pod({ containers: [container({ image: 'mirror.example/library/nginx' })] }),
      ...withUid,
      set: SET,
    },
    {
      title: 'sets it for a sidecar',
      pod: pod({ ...user, initContainers: [container({ name: 'p', restartPolicy: 'Always', ...low })] }),
      set: SET,
    },
    {
      title: 'sets it for 1023',
      pod: pod({ ...user, containers: [container({ ports: [{ containerPort: 1023 }] })] }),
      set: SET,
    },
    {
      title: 'does nothing for 1024',
      pod: pod({ ...user, containers: [container({ ports: [{ containerPort: 1024 }] })] }),
      action: 'Deny',
    },
    { title: 'does nothing without ports', pod: pod(user), action: 'Deny' },
    {
      title: 'does nothing for root, which needs no help',
      pod: pod({ containers: [container({ ...low, securityContext: { runAsUser: 0 } })] }),
      ...withUid,
      action: 'Deny',
    },
    {
      title: 'does nothing where runAsUser is excepted',
      pod: pod({ containers: [container(low)] }),
      ...withUid,
      exceptions: [{ rules: ['runAsUser'] }],
    },
    {
      title: 'adds it to the author’s sysctls',
      pod: pod({
        securityContext: { runAsUser: 1, sysctls: [{ name: 'net.core.somaxconn', value: '1' }] },
        containers: [container(low)],
      }),
      set: SET,
    },
    {
      title: 'leaves a bare pod’s own list: the next apply would fail',
      pod: pod({
        securityContext: { runAsUser: 1, sysctls: [{ name: 'net.core.somaxconn', value: '1' }] },
        containers: [container(low)],
      }),
      bare: true,
      skipped: ['BarePod'],
    },
    ...['net.ipv4.ip_unprivileged_port_start', 'net/ipv4/ip_unprivileged_port_start'].map((name) => ({
      title: `leaves a pod that sets ${name} itself`,
      pod: pod({
        securityContext: { runAsUser: 1, sysctls: [{ name, value: '1024' }] },
        containers: [container(low)],
      }),
      action: 'Override' as const,
    })),
    {
      title: 'leaves a pod on the host’s network, where the API refuses it',
      pod: pod({
        ...user,
        hostNetwork: true,
        containers: [container({ ports: [{ containerPort: 80, hostPort: 80 }] })],
      }),
      skipped: ['ApiWouldReject'],
    },
    {
      title: 'sets it where this pass takes the pod off the host’s network',
      pod: pod({
        ...user,
        hostNetwork: true,
        containers: [container({ ports: [{ containerPort: 80, hostPort: 80 }] })],
      }),
      rules: { hostNamespaces: 'Override' },
      set: SET,
    },
    { title: 'Override does nothing more', pod: listening, action: 'Override', set: SET },
    { title: 'Warn reports', pod: listening, action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses', pod: listening, action: 'Deny', violated: [`${FIELD} (denied)`] },
    { title: 'Disabled does not run', pod: listening, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: listening,
      labels: { unprivilegedPorts: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'an exception for one of two containers does not lift it',
      pod: pod({ ...user, containers: [container(low), container({ name: 'side' })] }),
      exceptions: [{ rules: ['unprivilegedPorts'], containers: ['web'] }],
      set: SET,
    },
    {
      title: 'one that matches every container does',
      pod: listening,
      exceptions: [{ rules: ['unprivilegedPorts'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is of low risk: unknown images get it under Safe',
      pod: listening,
      unknownImages: 'Safe',
      set: SET,
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ ...user, ephemeralContainers: [container({ name: 'debug', ...low })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
    },
  ]);
});
