import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'MariaDB/mariadb-docker/10.11/Dockerfile@0ce8670cc3142503b54df656cec9d7075402ff70';
const ENTRYPOINT =
  'MariaDB/mariadb-docker/10.11/docker-entrypoint.sh@05e74b3f3334f815548f8216b9ff45c8b1ee3c3f';

const PASSWORD = 'a-password-of-the-test';

const mysql = `MYSQL_PWD=${PASSWORD} mariadb --connect-timeout=5 --skip-ssl -h "$HOST" -u root -Ne`;

export const mariadb: Program = {
  id: 'mariadb',
  inCi: true,
  image: {
    name: 'docker.io/library/mariadb:10.11',
    versionOf: 'mariadb-server',
    cites: [
      `${DOCKERFILE}: RUN groupadd -r mysql && useradd -r -g mysql mysql`,
      `${DOCKERFILE}: chown -R mysql:mysql /var/lib/mysql /var/run/mysqld;`,
      `${DOCKERFILE}: chmod 777 /var/run/mysqld;`,
      String.raw`${DOCKERFILE}: | xargs -rt -0 sed -Ei 's/^(bind-address|log|user\s)/#&/';`,
      `${DOCKERFILE}: VOLUME /var/lib/mysql`,
      `${DOCKERFILE}: EXPOSE 3306`,
      `${DOCKERFILE}: CMD ["mariadbd"]`,
      String.raw`${ENTRYPOINT}: find "$DATADIR" \! -user mysql -exec chown mysql: '{}' +`,
      String.raw`${ENTRYPOINT}: find "\${SOCKET%/*}" -maxdepth 0 \! -user mysql -exec chown mysql: '{}' \;`,
      `${ENTRYPOINT}: installArgs=( --datadir="$DATADIR" --rpm --auth-root-authentication-method=normal )`,
      `${ENTRYPOINT}: "$@" --skip-networking --default-time-zone=SYSTEM --socket="\${SOCKET}" --wsrep_on=OFF`,
    ],
    packages: ['mariadb-server', 'gosu'],
    users: [{ name: 'mysql', uid: 999, gid: 999 }],
    files: {
      '/usr/local/bin/docker-entrypoint.sh': {
        script: `#!/bin/sh
set -e
data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
mkdir -p "$data"
if [ "$(id -u)" = 0 ]; then
  find "$data" ! -user mysql -exec chown mysql: {} +
  find /run/mysqld -maxdepth 0 ! -user mysql -exec chown mysql: {} +
  exec gosu mysql "$0" "$@"
fi
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --datadir="$data" --rpm --auth-root-authentication-method=normal --skip-test-db
  "$@" --skip-networking --socket="$socket" &
  until mariadb -uroot --socket="$socket" -e 'select 1' > /dev/null 2>&1; do
    kill -0 $!
    sleep 0.2
  done
  mariadb -uroot --socket="$socket" -e "
    create user 'root'@'%' identified by '$MARIADB_ROOT_PASSWORD';
    grant all on *.* to 'root'@'%' with grant option;
    create database if not exists $MARIADB_DATABASE"
  kill $!
  wait $!
fi
exec "$@"
`,
      },
    },
    steps: `
      rm -rf /var/lib/mysql
      install --directory --owner mysql --group mysql /var/lib/mysql
      install --directory --owner mysql --group mysql --mode 0777 /run/mysqld
      sed -Ei 's/^(bind-address|log|user\\s)/#&/' /etc/mysql/mariadb.conf.d/*.cnf
    `,
    config: {
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['mariadbd'],
      ExposedPorts: ['3306/tcp'],
      Volumes: ['/var/lib/mysql'],
    },
  },
  pod: (image) =>
    serverPod({
      name: 'mariadb',
      image,
      ports: [3306],
      env: { MARIADB_ROOT_PASSWORD: PASSWORD, MARIADB_DATABASE: 'shop' },
      dataAt: ['/var/lib/mysql'],
    }),
  write: `${mysql} "create table if not exists shop.kept (word text); insert into shop.kept values ('$VALUE')"`,
  // Sorted in a file: what does not fit into memory goes to the server's folder for temporary files.
  read: `${mysql} 'set tmp_memory_table_size = 0; select distinct word from shop.kept order by word'`,
  survives: true,
};
