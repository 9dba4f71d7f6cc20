import type { ImageRecipe } from '../images/recipe.js';
import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'docker-library/postgres/15/bookworm/Dockerfile@03e18d66ddd00497a6a7f8365747fb31386ccba6';
const ENTRYPOINT =
  'docker-library/postgres/15/bookworm/docker-entrypoint.sh@c86568af4a6861cb30b8f1b736b0868a3129bdd6';

const PASSWORD = 'a-password-of-the-test';

const image: ImageRecipe = {
  name: 'docker.io/library/postgres:15',
  versionOf: 'postgresql-15',
  cites: [
    `${DOCKERFILE}: groupadd -r postgres --gid=999;`,
    `${DOCKERFILE}: useradd -r -g postgres --uid=999 --home-dir=/var/lib/postgresql --shell=/bin/bash postgres;`,
    `${DOCKERFILE}: install --verbose --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql`,
    String.raw`${DOCKERFILE}: sed -ri "s!^#?(listen_addresses)\s*=\s*\S+.*!\1 = '*'!" /usr/share/postgresql/postgresql.conf.sample;`,
    `${DOCKERFILE}: RUN install --verbose --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql`,
    `${DOCKERFILE}: ENV PGDATA /var/lib/postgresql/data`,
    `${DOCKERFILE}: RUN install --verbose --directory --owner postgres --group postgres --mode 1777 "$PGDATA"`,
    `${DOCKERFILE}: VOLUME /var/lib/postgresql/data`,
    `${DOCKERFILE}: STOPSIGNAL SIGINT`,
    `${ENTRYPOINT}: chmod 00700 "$PGDATA" || :`,
    `${ENTRYPOINT}: chmod 03775 /var/run/postgresql || :`,
    String.raw`${ENTRYPOINT}: find "$PGDATA" \! -user postgres -exec chown postgres '{}' +`,
    `${ENTRYPOINT}: exec gosu postgres "$BASH_SOURCE" "$@"`,
    `${ENTRYPOINT}: export LD_PRELOAD="$wrapper" NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP`,
    `${ENTRYPOINT}: set -- "$@" -c listen_addresses='' -p "\${PGPORT:-5432}"`,
  ],
  packages: ['postgresql-15', 'gosu', 'libnss-wrapper'],
  users: [{ name: 'postgres', uid: 999, gid: 999, home: '/var/lib/postgresql' }],
  files: {
    '/usr/local/bin/docker-entrypoint.sh': {
      script: String.raw`#!/bin/bash
set -e
mkdir -p "$PGDATA"
chmod 0700 "$PGDATA" || :
mkdir -p /var/run/postgresql || :
chmod 03775 /var/run/postgresql || :
if [ "$(id -u)" = 0 ]; then
  find "$PGDATA" ! -user postgres -exec chown postgres {} +
  find /var/run/postgresql ! -user postgres -exec chown postgres {} +
  exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # initdb wants its user to have a name.
  if ! getent passwd "$(id -u)" > /dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp)
    NSS_WRAPPER_GROUP=$(mktemp)
    printf 'postgres:x:%s:%s::%s:/bin/false\n' "$(id -u)" "$(id -g)" "$PGDATA" > "$NSS_WRAPPER_PASSWD"
    printf 'postgres:x:%s:\n' "$(id -g)" > "$NSS_WRAPPER_GROUP"
    export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP LD_PRELOAD=libnss_wrapper.so
  fi
  initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
  unset LD_PRELOAD
  printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
  # The real one creates users and databases here, by the socket alone.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
`,
    },
  },
  steps: `
    rm -rf /var/lib/postgresql/15 /etc/postgresql/15
    chmod 1777 /var/lib/postgresql
    sed -ri "s!^#?(listen_addresses)\\s*=\\s*\\S+.*!\\1 = '*'!" /usr/share/postgresql/15/postgresql.conf.sample
    install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql
    install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql/data
  `,
  config: {
    Env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin',
      PGDATA: '/var/lib/postgresql/data',
    },
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['postgres'],
    ExposedPorts: ['5432/tcp'],
    Volumes: ['/var/lib/postgresql/data'],
    StopSignal: 'SIGINT',
  },
};

const psql = `PGPASSWORD=${PASSWORD} PGCONNECT_TIMEOUT=5 psql -v ON_ERROR_STOP=1 -h "$HOST" -U postgres -Atqc`;

const client = {
  write: `${psql} "create table if not exists kept (word text); insert into kept values ('$VALUE'); checkpoint"`,
  read: `${psql} 'select word from kept'`,
};

export const postgres: Program = {
  id: 'postgres',
  inCi: true,
  image,
  // PGDATA below the volume, as the image's documentation advises where the volume's own folder is not the user's.
  pod: (name) =>
    serverPod({
      name: 'postgres',
      image: name,
      ports: [5432],
      env: { POSTGRES_PASSWORD: PASSWORD, PGDATA: '/var/lib/postgresql/data/pgdata' },
      // It answers before it has recovered from a crash.
      readyWhen: ['pg_isready', '--host=127.0.0.1', '--username=postgres'],
      dataAt: ['/var/lib/postgresql/data'],
    }),
  ...client,
  survives: true,
};
