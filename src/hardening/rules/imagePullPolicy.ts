import type { ContainerDraft } from '../containerDraft.js';
import type { PodDraft } from '../podDraft.js';
import type { Path, Rule } from '../rule.js';

/**
 * Has the registry asked at every start, with the pod's own pull secrets: an image that another pod has brought to the
 * node is otherwise anybody's there. The layers that are on the node are not fetched again.
 *
 * Fields: `imagePullPolicy` of every container, `spec.volumes[*].image.pullPolicy`; as the admission plugin
 * AlwaysPullImages. The API server writes IfNotPresent (Always for the tag latest or none) before a webhook sees the
 * object (core/v1 defaults.go, SetDefaults_Container), so nobody can tell what its author wrote: hence no Default.
 * Source: k8s.io/kubernetes plugin/pkg/admission/alwayspullimages.
 */
export const imagePullPolicy: Rule = {
  id: 'imagePullPolicy',
  title: "The registry is asked at every start, with the pod's own credentials",
  reason: 'Otherwise a private image that is on the node already runs for pods that may not pull it.',
  risk: 'medium',
  os: 'any',
  actions: ['Override', 'Warn', 'Deny', 'Disabled'],
  refused: {
    Default:
      'the API server fills in IfNotPresent before a webhook sees the pod, so there is no unset value that could be set; use Override',
  },
  sets: {
    Default: 'not possible: use Override',
    Override: '`Always`, on containers and on volumes that are images',
  },
  fields: [
    'spec.containers[*].imagePullPolicy',
    'spec.initContainers[*].imagePullPolicy',
    'spec.ephemeralContainers[*].imagePullPolicy',
    'spec.volumes[*].image.pullPolicy',
  ],

  apply(pod) {
    for (const container of pod.containers) {
      pullAlways(pod, container, ['imagePullPolicy'], container.spec.imagePullPolicy);
    }
    if (!pod.podIsWritable) return;
    pod.spec.volumes?.forEach(({ image }, index) => {
      if (image)
        pullAlways(pod, undefined, ['spec', 'volumes', index, 'image', 'pullPolicy'], image.pullPolicy);
    });
  },
};

function pullAlways(
  pod: PodDraft,
  container: ContainerDraft | undefined,
  path: Path,
  value: string | null | undefined,
): void {
  if (!value) pod.fill(container, path, 'Always');
  else if (value !== 'Always') pod.replace(container, path, value, 'Always');
}
