import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'caddyserver/caddy-docker/2.10/alpine/Dockerfile@1660dc8c7f53f711d6c3493366515433b0b2edb3';

export const caddy: Program = {
  id: 'caddy',
  inCi: true,
  image: {
    name: 'docker.io/library/caddy:2.6',
    versionOf: 'caddy',
    cites: [
      `${DOCKERFILE}: mkdir -p /config/caddy /data/caddy /etc/caddy /usr/share/caddy`,
      `${DOCKERFILE}: setcap cap_net_bind_service=+ep /usr/bin/caddy;`,
      `${DOCKERFILE}: chmod -R g=u /config /data /etc/caddy /usr/share/caddy /usr/bin/caddy;`,
      `${DOCKERFILE}: ENV XDG_CONFIG_HOME /config`,
      `${DOCKERFILE}: ENV XDG_DATA_HOME /data`,
      `${DOCKERFILE}: EXPOSE 80`,
      `${DOCKERFILE}: WORKDIR /srv`,
      `${DOCKERFILE}: CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]`,
    ],
    packages: ['caddy', 'libcap2-bin'],
    files: {
      // The image's default, but that its admin interface may be reached: it is what can be written to.
      '/etc/caddy/Caddyfile': '{\n  admin :2019\n}\n:80 {\n  root * /usr/share/caddy\n  file_server\n}\n',
    },
    steps: `
      mkdir -p /config/caddy /data/caddy /usr/share/caddy /srv
      setcap cap_net_bind_service=+ep /usr/bin/caddy
      chmod -R g=u /config /data /etc/caddy /usr/share/caddy /usr/bin/caddy
    `,
    config: {
      Env: { XDG_CONFIG_HOME: '/config', XDG_DATA_HOME: '/data' },
      Cmd: ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
      ExposedPorts: ['80/tcp', '443/tcp', '443/udp', '2019/tcp'],
      WorkingDir: '/srv',
    },
  },
  pod: (image) => serverPod({ name: 'caddy', image, ports: [80, 2019] }),
  write: String.raw`printf '{\n admin :2019\n}\n:80 {\n respond "%s"\n}\n' "$VALUE" | curl -fsS --max-time 10 -H 'Content-Type: text/caddyfile' --data-binary @- "http://$HOST:2019/load"`,
  read: 'curl -fsS --max-time 10 "http://$HOST/"',
  survives: false,
};
