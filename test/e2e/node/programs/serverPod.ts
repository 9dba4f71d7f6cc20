import type { ProgramContainer, ProgramPodSpec } from './program.js';

export interface ServerPodOptions {
  readonly name: string;
  readonly image: string;
  /** The first is that on which the server is ready once it accepts connections. */
  readonly ports: readonly [number, ...number[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** Tells in the container whether the server is ready, where it accepts connections earlier. */
  readonly readyWhen?: readonly string[];
  /** An emptyDir each. */
  readonly dataAt?: readonly string[];
}

/** A pod of one server as most manifests have it: ports, a readiness probe, a volume for its data, nothing of security. */
export function serverPod({
  name,
  image,
  ports,
  env = {},
  command,
  args,
  readyWhen,
  dataAt = [],
}: ServerPodOptions): ProgramPodSpec {
  const volumes = dataAt.map((mountPath, index) => ({ name: `data-${index}`, mountPath }));
  const container: ProgramContainer = {
    name,
    image,
    imagePullPolicy: 'Never',
    ...(command && { command }),
    ...(args && { args }),
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    ports: ports.map((containerPort) => ({ containerPort })),
    volumeMounts: volumes,
    readinessProbe: {
      ...(readyWhen ? { exec: { command: readyWhen } } : { tcpSocket: { port: ports[0] } }),
      periodSeconds: 1,
      timeoutSeconds: 5,
    },
  };
  return {
    containers: [container],
    volumes: volumes.map((volume) => ({ name: volume.name, emptyDir: {} })),
    terminationGracePeriodSeconds: 1,
  };
}
