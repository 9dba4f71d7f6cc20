import { expect } from 'chai';
import type { Container } from '../../../src/hardening/podSpec.js';
import { loadPolicies } from '../../../src/policy/load.js';
import { container, itHardens, pod } from '../../support/harden.js';

const runs = (fields: Partial<Container>) => pod({ containers: [container(fields)] });
const DAEMON = runs({ command: ['/usr/sbin/sshd', '-D'] });
const FIELD = 'spec.containers[0].command[0] = "/usr/sbin/sshd"';

describe('sshd', () => {
  itHardens('sshd', [
    { title: 'reports it as a command', pod: DAEMON, violated: [FIELD] },
    {
      title: 'reports it as an argument',
      pod: runs({ command: ['tini', '--'], args: ['dropbear', '-F'] }),
      violated: ['spec.containers[0].args[0] = "dropbear"'],
    },
    ...[
      'exec /usr/sbin/sshd -D',
      'service x start;sshd',
      '(sshd&) && run',
      'x=`sshd`',
      'if true; then "sshd"; fi',
    ].map((script) => ({
      title: `reports it inside sh -c '${script}'`,
      pod: runs({ command: ['sh', '-c', script] }),
      violated: [`spec.containers[0].command[2] = ${JSON.stringify(script)}`],
    })),
    {
      title: 'reports container port 22',
      pod: runs({ ports: [{ containerPort: 80 }, { containerPort: 22 }] }),
      violated: ['spec.containers[0].ports[1].containerPort = 22'],
    },
    ...[
      'linuxserver/openssh-server:9',
      'registry.example:5000/openssh-server',
      'corp/my-sshd@sha256:' + 'a'.repeat(64),
      'dropbear',
    ].map((image) => ({
      title: `reports the image ${image.slice(0, 40)}`,
      pod: runs({ image }),
      violated: [`spec.containers[0].image = "${image}"`],
    })),
    ...['sshdx', 'sshd_config', '/etc/ssh/sshd_config', 'ssh', 'notsshd'].map((word) => ({
      title: `finds nothing wrong with ${word}`,
      pod: runs({ command: [word], args: [] }),
      action: 'Deny' as const,
    })),
    {
      title: 'finds nothing wrong with an image of a folder openssh-server',
      pod: runs({ image: 'openssh-server/docs' }),
      action: 'Deny',
    },
    {
      title: 'finds nothing wrong with port 2222',
      pod: runs({ ports: [{ containerPort: 2222 }] }),
      action: 'Deny',
    },
    {
      title: 'does not stumble over a container without an image',
      pod: pod({ containers: [{ name: 'x' }] }),
      valid: false,
    },
    { title: 'Warn reports', pod: DAEMON, action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses', pod: DAEMON, action: 'Deny', violated: [`${FIELD} (denied)`] },
    { title: 'Disabled does not run', pod: DAEMON, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: DAEMON,
      action: 'Deny',
      labels: { sshd: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception lifts it from one of two containers',
      pod: pod({ containers: [container({ args: ['sshd'] }), container({ name: 'side', args: ['sshd'] })] }),
      action: 'Deny',
      exceptions: [{ rules: ['sshd'], containers: ['side'] }],
      skipped: ['side: Excepted'],
      violated: ['spec.containers[0].args[0] = "sshd" (denied)'],
    },
    {
      title: 'runs on Windows too, in init and ephemeral containers',
      pod: pod({ os: { name: 'windows' }, initContainers: [container({ name: 'init', args: ['sshd'] })] }),
      violated: ['spec.initContainers[0].args[0] = "sshd"'],
    },
    {
      title: 'refuses an ephemeral container that starts one',
      pod: pod({ ephemeralContainers: [container({ name: 'debug', args: ['sshd'] })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: ['spec.ephemeralContainers[0].args[0] = "sshd" (denied)'],
    },
  ]);

  it('refuses Override: nothing could take a command’s place', () => {
    const text = `{apiVersion: kube-harden.io/v1alpha1, kind: HardeningPolicy, metadata: {name: p}, spec: {rules: {sshd: {action: Override}}}}`;
    expect(() => loadPolicies(text)).to.throw(/no value that could replace/);
  });
});
