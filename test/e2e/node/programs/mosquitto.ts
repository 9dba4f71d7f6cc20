import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'eclipse/mosquitto/docker/2.0/Dockerfile@192b7d88f3b434127466c4ed73f79cae17c3c42f';

export const mosquitto: Program = {
  id: 'mosquitto',
  image: {
    name: 'docker.io/library/eclipse-mosquitto:2.0',
    versionOf: 'mosquitto',
    cites: [
      `${DOCKERFILE}: addgroup -S -g 1883 mosquitto 2>/dev/null && \\`,
      `${DOCKERFILE}: adduser -S -u 1883 -D -H -h /var/empty -s /sbin/nologin -G mosquitto -g mosquitto mosquitto`,
      `${DOCKERFILE}: chown -R mosquitto:mosquitto /mosquitto`,
      `${DOCKERFILE}: VOLUME ["/mosquitto/data", "/mosquitto/log"]`,
      `${DOCKERFILE}: EXPOSE 1883`,
      `${DOCKERFILE}: ENTRYPOINT ["/docker-entrypoint.sh"]`,
      `${DOCKERFILE}: CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]`,
    ],
    packages: ['mosquitto'],
    users: [{ name: 'mosquitto', uid: 1883, gid: 1883 }],
    files: {
      '/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
if [ "$(id -u)" = 0 ] && [ -d /mosquitto ]; then
  chown -R mosquitto:mosquitto /mosquitto || true
fi
exec "$@"
`,
      },
      // Its users' own part: the default one listens on loopback only and keeps nothing.
      '/mosquitto/config/mosquitto.conf': `listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
autosave_on_changes true
autosave_interval 1
`,
    },
    steps: `
      mkdir -p /mosquitto/data /mosquitto/log
      chown -R mosquitto:mosquitto /mosquitto
    `,
    config: {
      Entrypoint: ['/docker-entrypoint.sh'],
      Cmd: ['/usr/sbin/mosquitto', '-c', '/mosquitto/config/mosquitto.conf'],
      ExposedPorts: ['1883/tcp'],
      Volumes: ['/mosquitto/data', '/mosquitto/log'],
    },
  },
  pod: (image) => serverPod({ name: 'mosquitto', image, ports: [1883] }),
  write: 'mosquitto_pub -h "$HOST" -t kept -r -q 1 -m "$VALUE"',
  read: 'mosquitto_sub -h "$HOST" -t kept -C 1 -W 5',
  survives: false,
};
