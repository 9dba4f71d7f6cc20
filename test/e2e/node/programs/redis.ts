import type { ImageRecipe } from '../images/recipe.js';
import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE =
  'redis/docker-library-redis/7.0/bookworm/Dockerfile@12e802f6a1e0041a05cab1975f01848404df2612';
const ENTRYPOINT =
  'redis/docker-library-redis/debian/docker-entrypoint.sh@0d55be9aa67b917c2a45cadabf07518f356443b0';

const image: ImageRecipe = {
  name: 'docker.io/library/redis:7.0',
  versionOf: 'redis-server',
  cites: [
    `${DOCKERFILE}: RUN groupadd -r -g 999 redis && useradd -r -g redis -u 999 redis`,
    `${DOCKERFILE}: RUN mkdir /data && chown redis:redis /data`,
    `${DOCKERFILE}: VOLUME /data`,
    `${DOCKERFILE}: WORKDIR /data`,
    `${DOCKERFILE}: ENTRYPOINT ["docker-entrypoint.sh"]`,
    `${DOCKERFILE}: EXPOSE 6379`,
    `${DOCKERFILE}: CMD ["redis-server"]`,
    // The entrypoint of 8.x, which has the more steps as root.
    `${ENTRYPOINT}: SETPRIV="/usr/bin/setpriv --reuid redis --regid redis --clear-groups"`,
    `${ENTRYPOINT}: if [ "$IS_REDIS_SERVER" ] && [ -z "$SKIP_DROP_PRIVS" ] && [ "$(id -u)" = '0' ] && has_cap setuid && has_cap setgid; then`,
    `${ENTRYPOINT}: --bounding-set=-all$CAPS_TO_KEEP`,
    `${ENTRYPOINT}: umask 0077`,
  ],
  packages: ['redis-server'],
  users: [{ name: 'redis', uid: 999, gid: 999 }],
  files: {
    '/usr/local/bin/docker-entrypoint.sh': {
      script: `#!/bin/sh
set -e
has_capability() {
  setpriv -d | grep -q "Capability bounding set:.*\\b$1\\b"
}
as_redis() {
  setpriv --reuid redis --regid redis --clear-groups "$@"
}
if [ "$(id -u)" = 0 ] && has_capability setuid && has_capability setgid; then
  for file in . ./*.rdb; do
    if [ -e "$file" ] && ! as_redis test -w "$file"; then chown redis "$file"; fi
  done
  exec setpriv --reuid redis --regid redis --clear-groups \\
    --nnp --inh-caps=-all --ambient-caps=-all --bounding-set=-all "$0" "$@"
fi
umask 0077
exec "$@"
`,
    },
  },
  steps: `
      mkdir /data
      chown redis:redis /data
    `,
  config: {
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['redis-server'],
    ExposedPorts: ['6379/tcp'],
    Volumes: ['/data'],
    WorkingDir: '/data',
  },
};

// The image's own build has protected mode off, in which redis answers nobody but itself.
const ARGS = ['redis-server', '--protected-mode', 'no'];

const client = {
  write: '[ "$(redis-cli -h "$HOST" set key "$VALUE")" = OK ] && [ "$(redis-cli -h "$HOST" save)" = OK ]',
  read: 'redis-cli -h "$HOST" get key',
};

export const redis: Program = {
  id: 'redis',
  inCi: true,
  image,
  pod: (name) => serverPod({ name: 'redis', image: name, ports: [6379], args: ARGS, dataAt: ['/data'] }),
  ...client,
  survives: true,
};

/** Without a volume: what it saves lies in the image's VOLUME, which is new with each container. */
export const redisCache: Program = {
  id: 'redisCache',
  image,
  pod: (name) => serverPod({ name: 'redis', image: name, ports: [6379], args: ARGS }),
  ...client,
  survives: false,
};
