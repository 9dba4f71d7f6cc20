import * as z from 'zod';
import { nonRootId } from '../settingsFields.js';

export const settingsSchema = z.strictObject({
  strategy: z
    .enum(['Fixed', 'NamespaceRange'])
    .default('Fixed')
    .describe(
      "Where the uid comes from. Fixed: from value, group and fsGroup. NamespaceRange: the first uid of the namespace's annotation kube-harden.io/uid-range, for uid, gid and fsGroup alike; a missing or malformed annotation means Fixed, with a warning.",
    ),
  value: nonRootId('The uid that is set where an image has no profile. 0 is refused: it is root.').default(
    65532,
  ),
  group: nonRootId(
    'The gid that comes with the uid. Without one a process gets the gid of its image, or 0; so 0 is refused here.',
  ).default(65532),
  fsGroup: nonRootId(
    "The pod's fsGroup, set only when the uid of every container comes from this rule: it changes modes of existing files.",
  ).default(65532),
  whenNonRootDeclared: z
    .enum(['Keep', 'Set'])
    .default('Keep')
    .describe(
      "A container that declares runAsNonRoot: true and no uid relies on its image's own user. Keep: leave it that user. Set: give it this uid too.",
    ),
  existingVolumes: z
    .enum(['Keep', 'Set'])
    .default('Keep')
    .describe(
      'A container whose image has no profile and that mounts, writable, a volume that outlives the pod. Keep: leave its user, a foreign uid cannot read the data that is there. Set: give it this uid too.',
    ),
});

export type Settings = z.infer<typeof settingsSchema>;
