import { httpValue } from './httpValue.js';
import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE =
  'docker-library/python/3.11/slim-bookworm/Dockerfile@025fb340c5eade5b5a360d8d8ad521847861569f';

/** A large upload goes into a temporary file, as web frameworks have it. */
const SERVER = `
import http.server, tempfile
kept = tempfile.NamedTemporaryFile()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        kept.seek(0)
        kept.truncate()
        kept.write(self.rfile.read(int(self.headers['Content-Length'])))
        kept.flush()
        self.send_response(200)
        self.end_headers()
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with open(kept.name, 'rb') as value:
            self.wfile.write(value.read())
http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()
`;

export const python: Program = {
  id: 'python',
  image: {
    name: 'docker.io/library/python:3.11',
    versionOf: 'python3.11-minimal',
    cites: [`${DOCKERFILE}: ENV LANG C.UTF-8`, `${DOCKERFILE}: CMD ["python3"]`],
    packages: ['python3'],
    config: { Env: { LANG: 'C.UTF-8' }, Cmd: ['python3'] },
  },
  pod: (image) => serverPod({ name: 'python', image, ports: [8000], args: ['python3', '-c', SERVER] }),
  ...httpValue(8000),
  survives: false,
};
