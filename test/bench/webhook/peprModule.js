// (c) of `npm run bench`: a Pepr module that hardens a pod as the policy `default` does: the same fields, by hand. It is
// bundled and run where Pepr is installed; nothing of it is ours.
//   PEPR_API_PATH, SSL_CERT_PATH, SSL_KEY_PATH, PEPR_PORT, KUBECONFIG
import { Capability, PeprModule, a } from 'pepr';

const harden = new Capability({ name: 'harden', description: 'hardens pods', namespaces: [] });

harden
  .When(a.Pod)
  .IsCreated()
  .Mutate((request) => {
    const { metadata, spec } = request.Raw;
    spec.securityContext = {
      ...spec.securityContext,
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    };
    spec.volumes ??= [];
    for (const container of spec.containers) {
      container.securityContext = {
        ...container.securityContext,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      };
      container.resources = {
        requests: { cpu: '100m', memory: '128Mi', ...container.resources?.requests },
        limits: { cpu: '1', memory: '512Mi', ...container.resources?.limits },
      };
      const name = `tmp-${container.name}`;
      spec.volumes.push({ name, emptyDir: { sizeLimit: '1Gi' } });
      container.volumeMounts = [...(container.volumeMounts ?? []), { name, mountPath: '/tmp' }];
    }
    metadata.annotations = { ...metadata.annotations, 'bench/changed': 'all of them' };
  });

new PeprModule(
  {
    description: 'bench',
    pepr: {
      uuid: 'bench',
      onError: 'reject',
      webhookTimeout: 10,
      alwaysIgnore: { namespaces: [] },
      customLabels: {},
      includedFiles: [],
      env: {},
    },
  },
  [harden],
  { deferStart: true },
).start(Number(process.env['PEPR_PORT']));
