import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'docker-library/httpd/2.4/Dockerfile@f3b7fd9c8ef59d1ad46c8b2a27df3e02d822834f';
const FOREGROUND =
  'docker-library/httpd/2.4/alpine/httpd-foreground@e927bc677ef50b1f63cab483287d5560aa5dd9fe';

export const httpd: Program = {
  id: 'httpd',
  inCi: true,
  image: {
    name: 'docker.io/library/httpd:2.4',
    versionOf: 'apache2-bin',
    cites: [
      `${DOCKERFILE}: ENV HTTPD_PREFIX /usr/local/apache2`,
      `${DOCKERFILE}: && chown www-data:www-data "$HTTPD_PREFIX"`,
      `${DOCKERFILE}: WORKDIR $HTTPD_PREFIX`,
      String.raw`${DOCKERFILE}: -e 's!^(\s*ErrorLog)\s+\S+!\1 /proc/self/fd/2!g'`,
      String.raw`${DOCKERFILE}: -e 's!^(\s*User)\s+daemon\s*$!\1 www-data!g'`,
      `${DOCKERFILE}: STOPSIGNAL SIGWINCH`,
      `${DOCKERFILE}: EXPOSE 80`,
      `${DOCKERFILE}: CMD ["httpd-foreground"]`,
      `${FOREGROUND}: rm -f /usr/local/apache2/logs/httpd.pid`,
      `${FOREGROUND}: exec /usr/local/apache2/bin/httpd -DFOREGROUND`,
    ],
    packages: ['apache2-bin'],
    files: {
      '/usr/local/bin/httpd-foreground': {
        script: `#!/bin/sh
set -e
rm -f /usr/local/apache2/logs/httpd.pid
exec /usr/local/apache2/bin/httpd -DFOREGROUND
`,
      },
      // Debian's build has its own paths compiled in, the image's is built with --prefix=/usr/local/apache2.
      '/usr/local/apache2/bin/httpd': {
        script: '#!/bin/sh\nexec /usr/sbin/apache2 -d /usr/local/apache2 -f conf/httpd.conf "$@"\n',
      },
      // The image's default, and its users' own part: files are put into a folder, which is a volume.
      '/usr/local/apache2/conf/httpd.conf': `ServerRoot /usr/local/apache2
DefaultRuntimeDir logs
PidFile logs/httpd.pid
ServerName localhost
Listen 80
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
User www-data
Group www-data
ErrorLog /proc/self/fd/2
DocumentRoot /usr/local/apache2/htdocs
DavLockDB htdocs/files/.locks
<Directory /usr/local/apache2/htdocs>
  Require all granted
</Directory>
<Directory /usr/local/apache2/htdocs/files>
  Dav On
</Directory>
`,
    },
    steps: `
      mkdir -p /usr/local/apache2/logs /usr/local/apache2/htdocs/files
      echo 'It works!' > /usr/local/apache2/htdocs/index.html
      chown www-data:www-data /usr/local/apache2
    `,
    config: {
      Env: { HTTPD_PREFIX: '/usr/local/apache2' },
      Cmd: ['httpd-foreground'],
      ExposedPorts: ['80/tcp'],
      WorkingDir: '/usr/local/apache2',
      StopSignal: 'SIGWINCH',
    },
  },
  pod: (image) =>
    serverPod({ name: 'httpd', image, ports: [80], dataAt: ['/usr/local/apache2/htdocs/files'] }),
  write:
    '{ echo "$VALUE"; head -c 1000000 /dev/zero; } | curl -fsS --max-time 10 -T - "http://$HOST/files/value"',
  read: 'curl -fsS --max-time 10 --range 0-99 "http://$HOST/files/value"',
  survives: true,
};
