import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const IMAGE = 'distribution/distribution-library-image';
const DOCKERFILE = `${IMAGE}/Dockerfile@057436d4dd745cfb1f913e0fdae56e304bcb160c`;
const ENTRYPOINT = `${IMAGE}/docker-entrypoint.sh@578da7e03cc03742cbd17997076c1da2a4304d1f`;
const CONFIG = `${IMAGE}/config-example.yml@a943e89c3efe06134cd9a4b439203c5341082cbc`;

export const registry: Program = {
  id: 'registry',
  image: {
    name: 'docker.io/library/registry:2.8',
    versionOf: 'docker-registry',
    cites: [
      `${DOCKERFILE}: VOLUME ["/var/lib/registry"]`,
      `${DOCKERFILE}: EXPOSE 5000`,
      `${DOCKERFILE}: ENTRYPOINT ["/entrypoint.sh"]`,
      `${DOCKERFILE}: CMD ["/etc/docker/registry/config.yml"]`,
      `${ENTRYPOINT}: set -- /bin/registry serve "$@"`,
      `${CONFIG}: rootdirectory: /var/lib/registry`,
      `${CONFIG}: addr: :5000`,
    ],
    packages: ['docker-registry'],
    files: {
      '/entrypoint.sh': { script: '#!/bin/sh\nset -e\nexec /usr/bin/docker-registry serve "$@"\n' },
      '/etc/docker/registry/config.yml': `version: 0.1
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
`,
    },
    steps: 'mkdir -p /var/lib/registry',
    config: {
      Entrypoint: ['/entrypoint.sh'],
      Cmd: ['/etc/docker/registry/config.yml'],
      ExposedPorts: ['5000/tcp'],
      Volumes: ['/var/lib/registry'],
    },
  },
  pod: (image) => serverPod({ name: 'registry', image, ports: [5000] }),
  // A blob, and as the manifest that keeps its name an image of nothing but this configuration.
  write: `set -e
    url="http://$HOST:5000/v2/kept"
    push() {
      digest=sha256:$(printf %s "$1" | sha256sum | cut -d ' ' -f 1)
      place=$(curl -fsS --max-time 10 -X POST -D - -o /dev/null "$url/blobs/uploads/" | sed -n 's/^Location: \\([^[:space:]]*\\).*/\\1/p')
      printf %s "$1" | curl -fsS --max-time 10 -X PUT -H 'Content-Type: application/octet-stream' --data-binary @- "$place&digest=$digest"
    }
    push "{\\"kept\\":\\"$VALUE\\"}"
    type=application/vnd.docker.distribution.manifest.v2+json
    size=$(printf %s "{\\"kept\\":\\"$VALUE\\"}" | wc -c)
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%d,"digest":"%s"},"layers":[]}' "$type" "$size" "$digest" |
      curl -fsS --max-time 10 -X PUT -H "Content-Type: $type" --data-binary @- "$url/manifests/latest"`,
  read: `set -e
    url="http://$HOST:5000/v2/kept"
    digest=$(curl -fsS --max-time 10 -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "$url/manifests/latest" | grep -o 'sha256:[0-9a-f]*')
    curl -fsS --max-time 10 "$url/blobs/$digest"`,
  survives: false,
};
