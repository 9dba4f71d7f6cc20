import { httpValue } from './httpValue.js';
import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'docker-library/haproxy/2.6/Dockerfile@af88bbc9186ea2ea09fa59dc77ae9437cad687b4';

export const haproxy: Program = {
  id: 'haproxy',
  image: {
    name: 'docker.io/library/haproxy:2.6',
    versionOf: 'haproxy',
    cites: [
      `${DOCKERFILE}: groupadd --gid 99 --system haproxy;`,
      `${DOCKERFILE}: --home-dir /var/lib/haproxy`,
      `${DOCKERFILE}: --uid 99`,
      `${DOCKERFILE}: chown haproxy:haproxy /var/lib/haproxy`,
      `${DOCKERFILE}: STOPSIGNAL SIGUSR1`,
      `${DOCKERFILE}: USER haproxy`,
      `${DOCKERFILE}: CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]`,
    ],
    packages: ['haproxy'],
    files: {
      '/usr/local/bin/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
`,
      },
      // Its users' own part. A proxy stores nothing; its maps are what it can be told to remember.
      '/usr/local/etc/haproxy/haproxy.cfg': `global
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend web
  bind :8080
  http-request wait-for-body time 2s if METH_PUT
  http-request set-map(/usr/local/etc/haproxy/values.map) value %[req.body] if METH_PUT
  http-request return status 200 content-type text/plain lf-string %[str(value),map(/usr/local/etc/haproxy/values.map,none)]
`,
      '/usr/local/etc/haproxy/values.map': '',
    },
    // After the package, for once: its script takes only numbers from 100 on for a system user's.
    steps: `
      groupmod --gid 99 haproxy
      usermod --uid 99 haproxy
      chown haproxy:haproxy /var/lib/haproxy
    `,
    config: {
      User: 'haproxy',
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['haproxy', '-f', '/usr/local/etc/haproxy/haproxy.cfg'],
      StopSignal: 'SIGUSR1',
    },
  },
  // Not 80: without a runtime that lowers the first unprivileged port, its own user has no right to it.
  pod: (image) => serverPod({ name: 'haproxy', image, ports: [8080] }),
  ...httpValue(8080),
  survives: false,
};
