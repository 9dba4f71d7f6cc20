import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'nginx/docker-nginx/stable/debian/Dockerfile@120635b2e7338f1bfd45bed7d7692538d7338196';
const ENTRYPOINT =
  'nginxinc/docker-nginx/entrypoint/docker-entrypoint.sh@441914e492d66d0f276b57247cd89338c2364f17';

export const nginx: Program = {
  id: 'nginx',
  inCi: true,
  image: {
    name: 'docker.io/library/nginx:1.22',
    versionOf: 'nginx',
    cites: [
      `${DOCKERFILE}: groupadd --system --gid 101 nginx`,
      `${DOCKERFILE}: useradd --system --gid nginx --no-create-home --home /nonexistent --comment "nginx user" --shell /bin/false --uid 101 nginx`,
      `${DOCKERFILE}: ln -sf /dev/stdout /var/log/nginx/access.log`,
      `${DOCKERFILE}: ln -sf /dev/stderr /var/log/nginx/error.log`,
      `${DOCKERFILE}: ENTRYPOINT ["/docker-entrypoint.sh"]`,
      `${DOCKERFILE}: EXPOSE 80`,
      `${DOCKERFILE}: STOPSIGNAL SIGQUIT`,
      `${DOCKERFILE}: CMD ["nginx", "-g", "daemon off;"]`,
      `${ENTRYPOINT}: find "/docker-entrypoint.d/" -follow -type f -print | sort -V | while read -r f; do`,
    ],
    packages: ['nginx'],
    users: [{ name: 'nginx', uid: 101, gid: 101 }],
    files: {
      '/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then "$script"; fi
done
exec "$@"
`,
      },
      // As nginx's own packages have it. Its temporary folders are compiled in there; Debian's build has others.
      '/etc/nginx/nginx.conf': `user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /var/log/nginx/access.log;
  sendfile on;
  keepalive_timeout 65;
  client_body_temp_path /var/cache/nginx/client_temp;
  proxy_temp_path /var/cache/nginx/proxy_temp;
  fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
  uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
  scgi_temp_path /var/cache/nginx/scgi_temp;
  include /etc/nginx/conf.d/*.conf;
}
`,
      // Its users' own part: files are put into a folder, which is a volume.
      '/etc/nginx/conf.d/default.conf': `server {
  listen 80;
  listen [::]:80;
  root /usr/share/nginx/html;
  client_max_body_size 10m;
  location /files/ {
    dav_methods PUT;
    create_full_put_path on;
  }
}
`,
    },
    steps: `
      mkdir -p /docker-entrypoint.d /var/cache/nginx /usr/share/nginx/html/files
      ln -sf /dev/stdout /var/log/nginx/access.log
      ln -sf /dev/stderr /var/log/nginx/error.log
    `,
    config: {
      Entrypoint: ['/docker-entrypoint.sh'],
      Cmd: ['nginx', '-g', 'daemon off;'],
      ExposedPorts: ['80/tcp'],
      StopSignal: 'SIGQUIT',
    },
  },
  pod: (image) => serverPod({ name: 'nginx', image, ports: [80], dataAt: ['/usr/share/nginx/html/files'] }),
  // Larger than client_body_buffer_size (16 KiB): nginx keeps it in a file of its own first.
  write: `{ echo "$VALUE"; head -c 1000000 /dev/zero; } | curl -fsS --max-time 10 -T - "http://$HOST/files/value"`,
  read: 'curl -fsS --max-time 10 --range 0-99 "http://$HOST/files/value"',
  survives: true,
};
