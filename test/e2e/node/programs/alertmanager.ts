import type { Program } from './program.js';
import { serverPod } from './serverPod.js';

const DOCKERFILE = 'prometheus/alertmanager/Dockerfile@f297445b88169a3e5163bdca1e241b23d25d144c';

export const alertmanager: Program = {
  id: 'alertmanager',
  image: {
    name: 'docker.io/prom/alertmanager:v0.25',
    versionOf: 'prometheus-alertmanager',
    cites: [
      `${DOCKERFILE}: chown -R nobody:nogroup etc/alertmanager /alertmanager`,
      `${DOCKERFILE}: USER       nobody`,
      `${DOCKERFILE}: EXPOSE     9093`,
      `${DOCKERFILE}: VOLUME     [ "/alertmanager" ]`,
      `${DOCKERFILE}: WORKDIR    /alertmanager`,
      `${DOCKERFILE}: ENTRYPOINT [ "/bin/alertmanager" ]`,
      `${DOCKERFILE}: "--storage.path=/alertmanager" ]`,
    ],
    packages: ['prometheus-alertmanager'],
    files: {
      '/etc/alertmanager/alertmanager.yml': 'route:\n  receiver: none\nreceivers:\n  - name: none\n',
    },
    steps: `
      mkdir /alertmanager
      ln -sf /usr/bin/prometheus-alertmanager /bin/alertmanager
      chown -R nobody:nogroup /etc/alertmanager /alertmanager
    `,
    config: {
      User: 'nobody',
      Entrypoint: ['/bin/alertmanager'],
      Cmd: ['--config.file=/etc/alertmanager/alertmanager.yml', '--storage.path=/alertmanager'],
      ExposedPorts: ['9093/tcp'],
      Volumes: ['/alertmanager'],
      WorkingDir: '/alertmanager',
    },
  },
  // A second, instead of fifteen minutes, after which it writes its silences to its folder.
  pod: (image) =>
    serverPod({
      name: 'alertmanager',
      image,
      ports: [9093],
      args: [
        '--config.file=/etc/alertmanager/alertmanager.yml',
        '--storage.path=/alertmanager',
        '--data.maintenance-interval=1s',
        '--cluster.listen-address=',
      ],
    }),
  write: `curl -fsS --max-time 10 -H 'Content-Type: application/json' "http://$HOST:9093/api/v2/silences" --data '{
      "matchers": [{"name": "word", "value": "'"$VALUE"'", "isRegex": false}],
      "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2126-01-01T00:00:00Z", "createdBy": "client", "comment": "kept"
    }' && sleep 2
    curl -fsS --max-time 10 "http://$HOST:9093/metrics" | grep -q '^alertmanager_silences_snapshot_size_bytes [1-9]'`,
  read: 'curl -fsS --max-time 10 "http://$HOST:9093/api/v2/silences"',
  survives: false,
};
