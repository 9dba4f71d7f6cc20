import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE =
  'docker-library/php/8.2/bookworm/apache/Dockerfile@09f6b1a0f5d8ad771ba86dfffdcb8d8c8285fd98';

export const phpApache: Program = {
  id: 'phpApache',
  image: {
    name: 'docker.io/library/php:8.2-apache',
    versionOf: 'libapache2-mod-php8.2',
    cites: [
      `${DOCKERFILE}: chown www-data:www-data /var/www/html; chmod 1777 /var/www/html`,
      String.raw`${DOCKERFILE}: sed -ri 's/^export ([^=]+)=(.*)$/: \${\1:=\2}\nexport \1/' "$APACHE_ENVVARS";`,
      `${DOCKERFILE}: ENV APACHE_CONFDIR /etc/apache2`,
      `${DOCKERFILE}: "$APACHE_LOCK_DIR" "$APACHE_RUN_DIR" "$APACHE_LOG_DIR" "$APACHE_RUN_DIR/socks"`,
      `${DOCKERFILE}: chmod 1777 "$dir";`,
      `${DOCKERFILE}: ln -sfT /dev/stderr "$APACHE_LOG_DIR/error.log";`,
      `${DOCKERFILE}: RUN a2dismod mpm_event && a2enmod mpm_prefork`,
      `${DOCKERFILE}: ENTRYPOINT ["docker-php-entrypoint"]`,
      `${DOCKERFILE}: STOPSIGNAL SIGWINCH`,
      `${DOCKERFILE}: WORKDIR /var/www/html`,
      `${DOCKERFILE}: EXPOSE 80`,
      `${DOCKERFILE}: CMD ["apache2-foreground"]`,
    ],
    packages: ['apache2', 'libapache2-mod-php8.2'],
    files: {
      '/usr/local/bin/docker-php-entrypoint': { script: '#!/bin/sh\nset -e\nexec "$@"\n' },
      '/usr/local/bin/apache2-foreground': {
        script: `#!/bin/sh
set -e
. "$APACHE_ENVVARS"
mkdir -p "$APACHE_RUN_DIR" "$APACHE_LOCK_DIR" "$APACHE_LOG_DIR"
rm -f "$APACHE_PID_FILE"
exec apache2 -DFOREGROUND
`,
      },
      // Its users' own part. An upload lies in PHP's temporary folder first.
      '/var/www/html/value.php': `<?php
if (isset($_FILES['value']) && !move_uploaded_file($_FILES['value']['tmp_name'], 'uploads/value')) {
  http_response_code(500);
}
readfile('uploads/value');
`,
    },
    steps: `
      sed -ri 's/^export ([^=]+)=(.*)$/: $\{\\1:=\\2}\\nexport \\1/' /etc/apache2/envvars
      rm -f /var/www/html/index.html
      export APACHE_CONFDIR=/etc/apache2
      . /etc/apache2/envvars
      for folder in "$APACHE_LOCK_DIR" "$APACHE_RUN_DIR" "$APACHE_LOG_DIR" "$APACHE_RUN_DIR/socks"; do
        rm -rf "$folder"
        mkdir -p "$folder"
        chown www-data:www-data "$folder"
        chmod 1777 "$folder"
      done
      ln -sfT /dev/stderr "$APACHE_LOG_DIR/error.log"
      ln -sfT /dev/stdout "$APACHE_LOG_DIR/access.log"
      ln -sfT /dev/stdout "$APACHE_LOG_DIR/other_vhosts_access.log"
      a2dismod -f mpm_event
      a2enmod mpm_prefork php8.2
      echo 'ServerName localhost' > /etc/apache2/conf-enabled/name.conf
      chown www-data:www-data /var/www/html
      chmod 1777 /var/www/html
    `,
    config: {
      Env: { APACHE_CONFDIR: '/etc/apache2', APACHE_ENVVARS: '/etc/apache2/envvars' },
      Entrypoint: ['docker-php-entrypoint'],
      Cmd: ['apache2-foreground'],
      ExposedPorts: ['80/tcp'],
      WorkingDir: '/var/www/html',
      StopSignal: 'SIGWINCH',
    },
  },
  pod: (image) => serverPod({ name: 'php', image, ports: [80], dataAt: ['/var/www/html/uploads'] }),
  write: 'echo "$VALUE" | curl -fsS --max-time 10 -F value=@- "http://$HOST/value.php"',
  read: 'curl -fsS --max-time 10 "http://$HOST/value.php"',
  survives: true,
};
