import type { ProgramPodSpec } from './programs/program.js';

/** What most guides advise for every container alike. */
const NAIVE = {
  runAsNonRoot: true,
  runAsUser: 65532,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A program's pod as most guides would have it, with an emptyDir at /tmp for what it may want to write. */
export function naivePod({ containers, volumes = [], ...spec }: ProgramPodSpec): object {
  const hasOwn = containers.some(({ volumeMounts = [] }) =>
    volumeMounts.some(({ mountPath }) => mountPath === '/tmp'),
  );
  const tmp = hasOwn ? [] : [{ name: 'tmp', mountPath: '/tmp' }];
  return {
    ...spec,
    volumes: [...volumes, ...tmp.map(({ name }) => ({ name, emptyDir: {} }))],
    containers: containers.map((container) => ({
      ...container,
      securityContext: NAIVE,
      volumeMounts: [...(container.volumeMounts ?? []), ...tmp],
    })),
  };
}
