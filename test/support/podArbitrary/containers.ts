import type { Json } from '../apiValidation/json.js';
import type { Tape } from './tape.js';

export const CONTAINER_NAMES = [
  'app',
  'constructor',
  'web',
  'istio-proxy',
  'a'.repeat(63),
  'main',
  'x',
  'to-string',
] as const;

export const IMAGES: readonly [string, ...string[]] = [
  'nginx',
  'docker.io/library/postgres:16',
  `registry.example:5000/a/b@sha256:${'0123456789abcdef'.repeat(4)}`,
  'bitnami/nginx:1.27',
  'mirror.example/library/redis:7.4',
  'ghcr.io/acme/api:v1.2.3',
  'redis:latest',
  'httpd:2.4',
  'memcached:1.6-alpine',
  'haproxytech/haproxy',
  'linuxserver/openssh-server',
  'registry.example:5000/app',
];

export function containerPorts(t: Tape, taken: Set<number>, hostNetwork: boolean): Json[] {
  return t.some([80, 8080, 443, 22, 53, 8443], 0.4).flatMap((containerPort) => {
    if (taken.has(containerPort)) return [];
    taken.add(containerPort);
    const hostPort = t.chance(0.15) ? { hostPort: hostNetwork ? containerPort : containerPort + 10000 } : {};
    return [
      {
        containerPort,
        ...hostPort,
        ...(t.chance(0.2) && { protocol: 'TCP' }),
        ...(t.chance(0.2) && { name: `p-${containerPort}` }),
      },
    ];
  });
}
