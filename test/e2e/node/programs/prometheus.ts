import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'prometheus/prometheus/Dockerfile@b5c61f3e9a36ed399da703f2ca4c9771db78c328';

/** The samples that it has stored, if there are any, under a label that holds the word. */
const QUERY = `"http://$HOST:9090/api/v1/query" --data-urlencode \
  "query=label_replace(prometheus_tsdb_head_samples_appended_total > 0, 'kept', '$VALUE', '', '')"`;

export const prometheus: Program = {
  id: 'prometheus',
  image: {
    name: 'docker.io/prom/prometheus:v2.42',
    versionOf: 'prometheus',
    cites: [
      `${DOCKERFILE}: chown -R nobody:nogroup etc/prometheus /prometheus`,
      `${DOCKERFILE}: USER       nobody`,
      `${DOCKERFILE}: EXPOSE     9090`,
      `${DOCKERFILE}: VOLUME     [ "/prometheus" ]`,
      `${DOCKERFILE}: WORKDIR    /prometheus`,
      `${DOCKERFILE}: ENTRYPOINT [ "/bin/prometheus" ]`,
      `${DOCKERFILE}: CMD        [ "--config.file=/etc/prometheus/prometheus.yml",`,
    ],
    packages: ['prometheus'],
    files: {
      // As the image has it, but that it watches itself every second.
      '/etc/prometheus/prometheus.yml': `global:
  scrape_interval: 1s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ['localhost:9090']
`,
    },
    steps: `
      mkdir /prometheus
      chown -R nobody:nogroup /etc/prometheus /prometheus
    `,
    config: {
      User: 'nobody',
      Entrypoint: ['/bin/prometheus'],
      Cmd: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus'],
      ExposedPorts: ['9090/tcp'],
      Volumes: ['/prometheus'],
      WorkingDir: '/prometheus',
    },
  },
  pod: (image) =>
    serverPod({
      name: 'prometheus',
      image,
      ports: [9090],
      args: [
        '--config.file=/etc/prometheus/prometheus.yml',
        '--storage.tsdb.path=/prometheus',
        '--web.enable-admin-api',
      ],
    }),
  // It takes values from what it scrapes only: it has to find samples of its own again, and to write them into a block.
  write: `for try in $(seq 20); do
      if curl -fsS --max-time 10 ${QUERY} | grep -q kept; then break; fi
      sleep 1
    done
    curl -fsS --max-time 10 -X POST "http://$HOST:9090/api/v1/admin/tsdb/snapshot"`,
  read: `curl -fsS --max-time 10 ${QUERY}`,
  survives: false,
};
