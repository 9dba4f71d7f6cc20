import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'nats-io/nats-docker/2.9.x/alpine3.18/Dockerfile@144887abc75d066aa593a46a4cdff9492f50de26';

/** Lines of the NATS protocol, each published body with its length; what the server answers is the output. */
const CLIENT = `
  publish() { printf 'PUB %s reply %d\\r\\n%s\\r\\n' "$1" "$(printf %s "$2" | wc -c)" "$2"; }
  session() { { printf 'CONNECT {"verbose":false}\\r\\nSUB reply 1\\r\\n'; "$@"; sleep 1; } | nc -q 0 -w 5 "$HOST" 4222; }`;

export const nats: Program = {
  id: 'nats',
  image: {
    name: 'docker.io/library/nats:2.9',
    versionOf: 'nats-server',
    cites: [
      `${DOCKERFILE}: mv "nats-server-v\${NATS_SERVER}-linux-\${natsArch}/nats-server" /usr/local/bin;`,
      `${DOCKERFILE}: EXPOSE 4222 8222 6222`,
      `${DOCKERFILE}: ENTRYPOINT ["docker-entrypoint.sh"]`,
      `${DOCKERFILE}: CMD ["nats-server", "--config", "/etc/nats/nats-server.conf"]`,
    ],
    packages: ['nats-server'],
    files: {
      '/usr/local/bin/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
case "$1" in -*) set -- nats-server "$@" ;; esac
exec "$@"
`,
      },
      '/etc/nats/nats-server.conf': 'port: 4222\nmonitor_port: 8222\n',
    },
    config: {
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['nats-server', '--config', '/etc/nats/nats-server.conf'],
      ExposedPorts: ['4222/tcp', '8222/tcp', '6222/tcp'],
    },
  },
  // With JetStream, which keeps messages, and with a volume for it.
  pod: (image) =>
    serverPod({
      name: 'nats',
      image,
      ports: [4222],
      args: ['--config', '/etc/nats/nats-server.conf', '--jetstream', '--store_dir', '/data'],
      dataAt: ['/data'],
    }),
  write: `${CLIENT}
    store() {
      publish '$JS.API.STREAM.CREATE.kept' '{"name":"kept","subjects":["kept"],"storage":"file","retention":"limits"}'
      publish kept "$VALUE"
    }
    session store | grep '"stream":"kept", *"seq":'`,
  read: `${CLIENT}
    last() { publish '$JS.API.STREAM.MSG.GET.kept' '{"last_by_subj":"kept"}'; }
    session last | sed -n 's/.*"data":"\\([^"]*\\)".*/\\1/p' | base64 -d`,
  survives: true,
};
