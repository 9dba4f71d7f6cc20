import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE =
  'docker-library/memcached/1.6/bookworm/Dockerfile@1cd4fbf083842df763613435ffc7214b0e6a3135';
const ENTRYPOINT = 'docker-library/memcached/docker-entrypoint.sh@236cad399df7013361283b10365942f1c6bd1b81';

export const memcached: Program = {
  id: 'memcached',
  image: {
    name: 'docker.io/library/memcached:1.6',
    versionOf: 'memcached',
    cites: [
      `${DOCKERFILE}: groupadd --system --gid 11211 memcache && useradd --system --gid memcache --uid 11211 memcache`,
      `${DOCKERFILE}: USER memcache`,
      `${DOCKERFILE}: EXPOSE 11211`,
      `${DOCKERFILE}: CMD ["memcached"]`,
      `${ENTRYPOINT}: exec "$@"`,
    ],
    packages: ['memcached'],
    users: [{ name: 'memcache', uid: 11211, gid: 11211 }],
    files: { '/usr/local/bin/docker-entrypoint.sh': { script: '#!/bin/sh\nset -e\nexec "$@"\n' } },
    config: {
      User: 'memcache',
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['memcached'],
      ExposedPorts: ['11211/tcp'],
    },
  },
  pod: (image) => serverPod({ name: 'memcached', image, ports: [11211], args: ['memcached', '-m', '64'] }),
  write: String.raw`printf 'set key 0 0 %d\r\n%s\r\nquit\r\n' "$(printf %s "$VALUE" | wc -c)" "$VALUE" | nc -w 5 "$HOST" 11211 | grep STORED`,
  read: String.raw`printf 'get key\r\nquit\r\n' | nc -w 5 "$HOST" 11211`,
  survives: false,
};
