import { httpValue } from './httpValue.js';
import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'nodejs/docker-node/18/bookworm-slim/Dockerfile@17bf0838eaf9d32ba6280599e51fac5269d0dfb4';

/** Keeps an upload in a temporary file, as body parsers do. */
const SERVER = `
const { createServer } = require('node:http');
const { createReadStream, createWriteStream } = require('node:fs');
const { pipeline } = require('node:stream');
createServer((request, response) => {
  const done = (error) => {
    if (!error) return response.end();
    console.error(error);
    response.writeHead(500).end();
  };
  if (request.method === 'PUT') pipeline(request, createWriteStream('/tmp/value'), done);
  else pipeline(createReadStream('/tmp/value'), response, () => {});
}).listen(3000);
process.on('SIGTERM', () => process.exit());
`;

export const node: Program = {
  id: 'node',
  image: {
    name: 'docker.io/library/node:18',
    versionOf: 'nodejs',
    cites: [
      `${DOCKERFILE}: RUN groupadd --gid 1000 node`,
      `${DOCKERFILE}: && useradd --uid 1000 --gid node --shell /bin/bash --create-home node`,
      `${DOCKERFILE}: ENTRYPOINT ["docker-entrypoint.sh"]`,
      `${DOCKERFILE}: CMD [ "node" ]`,
    ],
    packages: ['nodejs'],
    users: [{ name: 'node', uid: 1000, gid: 1000, home: '/home/node' }],
    files: { '/usr/local/bin/docker-entrypoint.sh': { script: '#!/bin/sh\nset -e\nexec "$@"\n' } },
    config: { Entrypoint: ['docker-entrypoint.sh'], Cmd: ['node'] },
  },
  pod: (image) => serverPod({ name: 'node', image, ports: [3000], args: ['node', '-e', SERVER] }),
  ...httpValue(3000),
  survives: false,
};
