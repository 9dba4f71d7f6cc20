import { buildImage, layoutTar } from './imageArchive.js';
import { capability, capable, directory, file, program, symlink } from './tar.js';

/*
 * The images of docs/profile.md, laid out as well-known ones are. Not compressed, so that every Node.js makes the same
 * bytes: `npx tsx test/images/support/writeExamples.ts` writes them to test/fixtures/images.
 */

const BASE = [
  directory('etc/'),
  directory('tmp/', 0o1777),
  directory('usr/bin/'),
  symlink('bin', 'usr/bin'),
  directory('var/tmp/', 0o1777),
  program('usr/bin/passwd', 0o4755),
  program('usr/bin/su', 0o4755),
];

const root = 'root:x:0:0:root:/root:/bin/sh\n';

/** A web server with a user of its own. */
const web = buildImage({
  compression: 'none',
  config: {
    User: 'web',
    Entrypoint: ['/sbin/tini', '--'],
    Cmd: ['web-server', '--listen', ':80'],
    ExposedPorts: { '80/tcp': {}, '8080/tcp': {} },
    Volumes: { '/srv/uploads': {} },
  },
  layers: [
    BASE,
    [
      file('etc/passwd', `${root}web:x:101:102::/srv:/usr/sbin/nologin\n`),
      file('etc/group', 'root:x:0:\nweb:x:102:\n'),
      program('sbin/tini'),
      capable('usr/bin/web-server', capability([10])),
      directory('srv/uploads/', 0o750, 101, 102),
      directory('var/cache/web/', 0o755, 101, 102),
    ],
  ],
});

/** A database whose entrypoint starts as root. */
const database = buildImage({
  compression: 'none',
  config: {
    Entrypoint: ['docker-entrypoint.sh'],
    Cmd: ['database'],
    ExposedPorts: { '5432/tcp': {} },
    Volumes: { '/var/lib/database': {} },
  },
  layers: [
    BASE,
    [
      file('etc/passwd', `${root}database:x:999:999::/var/lib/database:/bin/sh\n`),
      file('etc/group', 'root:x:0:\ndatabase:x:999:\n'),
      program('usr/local/bin/docker-entrypoint.sh'),
      directory('var/lib/database/', 0o700, 999),
      directory('run/database/', 0o3777, 999),
    ],
  ],
});

/** By the name of their file. */
export const EXAMPLE_IMAGES: Readonly<Record<string, Buffer>> = {
  'web.tar': layoutTar(web, { name: 'registry.example/shop/web:1.2' }),
  'database.tar': layoutTar(database, { name: 'registry.example/shop/database:17' }),
};
