import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'docker-library/rabbitmq/3.10/ubuntu/Dockerfile@cad64a21990ac10bee474e8cf102f17ec57fd821';
const ENTRYPOINT = 'docker-library/rabbitmq/docker-entrypoint.sh@01cebb700efb951058263f3439ab83fbe81222aa';

export const rabbitmq: Program = {
  id: 'rabbitmq',
  image: {
    name: 'docker.io/library/rabbitmq:3.10',
    versionOf: 'rabbitmq-server',
    cites: [
      `${DOCKERFILE}: groupadd --gid 999 --system rabbitmq;`,
      `${DOCKERFILE}: useradd --uid 999 --system --home-dir "$RABBITMQ_DATA_DIR" --gid rabbitmq rabbitmq;`,
      `${DOCKERFILE}: chmod 1777 "$RABBITMQ_DATA_DIR" /etc/rabbitmq /etc/rabbitmq/conf.d /tmp/rabbitmq-ssl /var/log/rabbitmq;`,
      `${DOCKERFILE}: ln -sf "$RABBITMQ_DATA_DIR/.erlang.cookie" /root/.erlang.cookie`,
      `${DOCKERFILE}: ENV HOME $RABBITMQ_DATA_DIR`,
      `${DOCKERFILE}: VOLUME $RABBITMQ_DATA_DIR`,
      `${DOCKERFILE}: COPY --chown=rabbitmq:rabbitmq 10-defaults.conf 20-management_agent.disable_metrics_collector.conf /etc/rabbitmq/conf.d/`,
      `${DOCKERFILE}: CMD ["rabbitmq-server"]`,
      `${ENTRYPOINT}: chown -R rabbitmq /var/lib/rabbitmq`,
      `${ENTRYPOINT}: exec gosu rabbitmq "$BASH_SOURCE" "$@"`,
    ],
    packages: ['rabbitmq-server', 'gosu'],
    users: [{ name: 'rabbitmq', uid: 999, gid: 999, home: '/var/lib/rabbitmq' }],
    files: {
      '/usr/local/bin/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
if [ "$1" = rabbitmq-server ] && [ "$(id -u)" = 0 ]; then
  chown -R rabbitmq /var/lib/rabbitmq
  exec gosu rabbitmq "$0" "$@"
fi
exec "$@"
`,
      },
      // So that others than the machine itself may log in.
      '/etc/rabbitmq/conf.d/10-defaults.conf': 'loopback_users.guest = false\nlog.console = true\n',
    },
    steps: `
      # Debian puts a script before the programs that lets nobody but root and its own rabbitmq start them.
      for program in /usr/lib/rabbitmq/lib/*/sbin/*; do ln -sf "$program" /usr/local/bin/; done
      rm -rf /var/lib/rabbitmq /etc/default/rabbitmq-server
      mkdir -p /var/lib/rabbitmq /etc/rabbitmq /var/log/rabbitmq
      chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /etc/rabbitmq /var/log/rabbitmq
      chmod 1777 /var/lib/rabbitmq /etc/rabbitmq /etc/rabbitmq/conf.d /var/log/rabbitmq
      ln -sf /var/lib/rabbitmq/.erlang.cookie /root/.erlang.cookie
    `,
    config: {
      Env: { HOME: '/var/lib/rabbitmq', LANG: 'C.UTF-8' },
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['rabbitmq-server'],
      ExposedPorts: ['4369/tcp', '5671/tcp', '5672/tcp', '15691/tcp', '15692/tcp', '25672/tcp'],
      Volumes: ['/var/lib/rabbitmq'],
    },
  },
  pod: (image) => serverPod({ name: 'rabbitmq', image, ports: [5672] }),
  write: `set -e
    url="amqp://guest:guest@$HOST"
    amqp-declare-queue --url="$url" -q kept -d
    amqp-publish --url="$url" -r kept -p -b "$VALUE"`,
  // All that there are: a message may come again that was taken just before the server was killed.
  read: 'while amqp-get --url="amqp://guest:guest@$HOST" -q kept; do echo; done',
  survives: false,
};
