import { httpValue } from './httpValue.js';
import type { Program } from './program.js';
import { pythonServer } from './pythonServer.js';
import { serverPod } from './serverPod.js';

/** An image as teams make them for themselves: a user of its own that calls sudo for what needs root. */
export const sudo: Program = {
  id: 'sudo',
  inCi: true,
  image: {
    name: 'registry.example/tools/sudo:1.9',
    versionOf: 'sudo',
    cites: [],
    packages: ['sudo', 'python3'],
    users: [{ name: 'app', uid: 1000, gid: 1000, home: '/home/app' }],
    files: {
      '/etc/sudoers.d/app': 'app ALL=(ALL) NOPASSWD: ALL\n',
      '/usr/local/bin/entrypoint.sh': {
        script: `#!/bin/sh
set -e
sudo -n chown app /srv
exec "$@"
`,
      },
      '/usr/local/lib/server.py': pythonServer(8080, 'sudo -n tee /srv/value', 'cat /srv/value'),
    },
    config: {
      User: '1000',
      Entrypoint: ['entrypoint.sh'],
      Cmd: ['python3', '/usr/local/lib/server.py'],
      ExposedPorts: ['8080/tcp'],
    },
  },
  pod: (image) => serverPod({ name: 'sudo', image, ports: [8080], dataAt: ['/srv'] }),
  ...httpValue(8080),
  survives: true,
  profile: {
    images: ['registry.example/tools/sudo'],
    runAsUser: 1000,
    needs: ['allowPrivilegeEscalation', 'CHOWN', 'SETUID', 'SETGID'],
  },
};
