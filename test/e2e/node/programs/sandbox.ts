import { httpValue } from './httpValue.js';
import type { Program } from './program.js';
import { pythonServer } from './pythonServer.js';
import { serverPod } from './serverPod.js';

/** As Chromium's renderers run: namespaces of their own, made by an ordinary user. */
const SANDBOXED = 'bwrap --unshare-user --unshare-pid --unshare-net --ro-bind / / --bind /tmp /tmp';

/** A program with a sandbox of its own, such as a browser that renders pages. */
export const sandbox: Program = {
  id: 'sandbox',
  inCi: true,
  image: {
    name: 'registry.example/tools/sandbox:0.8',
    versionOf: 'bubblewrap',
    cites: [],
    packages: ['bubblewrap', 'python3'],
    users: [{ name: 'app', uid: 1000, gid: 1000, home: '/home/app' }],
    files: {
      '/usr/local/lib/server.py': pythonServer(
        8080,
        `${SANDBOXED} sh -c 'cat > /tmp/value'`,
        `${SANDBOXED} cat /tmp/value`,
      ),
    },
    config: { User: '1000', Cmd: ['python3', '/usr/local/lib/server.py'], ExposedPorts: ['8080/tcp'] },
  },
  pod: (image) => serverPod({ name: 'sandbox', image, ports: [8080], dataAt: ['/tmp'] }),
  ...httpValue(8080),
  survives: true,
  profile: {
    images: ['registry.example/tools/sandbox'],
    runAsUser: 1000,
    needs: ['unconfinedSeccomp'],
  },
};
