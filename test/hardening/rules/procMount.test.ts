import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.containers[0].securityContext.procMount';
const UNMASKED = { procMount: 'Unmasked' };
/** The API server takes it in a user namespace only. */
const UNMASKED_POD = pod({ hostUsers: false, containers: [container({ securityContext: UNMASKED })] });
const BOTH = pod({
  hostUsers: false,
  initContainers: [container({ name: 'init', securityContext: UNMASKED })],
  containers: [container({ securityContext: UNMASKED })],
});

describe('procMount', () => {
  itHardens('procMount', [
    { title: 'sets nothing where it is unset, for that means Default', pod: pod(), action: 'Deny' },
    {
      title: 'lets Default be',
      pod: pod({ containers: [container({ securityContext: { procMount: 'Default' } })] }),
      action: 'Deny',
    },
    { title: 'reports Unmasked', pod: UNMASKED_POD, violated: [`${FIELD} = "Unmasked"`] },
    { title: 'Warn reports it too', pod: UNMASKED_POD, action: 'Warn', violated: [`${FIELD} = "Unmasked"`] },
    {
      title: 'Deny refuses it',
      pod: UNMASKED_POD,
      action: 'Deny',
      violated: [`${FIELD} = "Unmasked" (denied)`],
    },
    {
      title: 'Override replaces it, in every container',
      pod: BOTH,
      action: 'Override',
      set: { [FIELD]: 'Default', 'spec.initContainers[0].securityContext.procMount': 'Default' },
    },
    { title: 'Disabled does not run', pod: UNMASKED_POD, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: UNMASKED_POD,
      action: 'Override',
      labels: { procMount: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception lifts it for its container alone',
      pod: BOTH,
      action: 'Override',
      exceptions: [{ rules: ['procMount'], containers: ['init'] }],
      set: { [FIELD]: 'Default' },
      skipped: ['init: Excepted'],
    },
    {
      title: 'is of high risk: under Safe it is only reported on an unknown image',
      pod: UNMASKED_POD,
      action: 'Override',
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
      violated: [`${FIELD} = "Unmasked"`],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'Override masks an ephemeral container that is added',
      pod: pod({
        hostUsers: false,
        ephemeralContainers: [container({ name: 'debug', securityContext: UNMASKED })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].securityContext.procMount': 'Default' },
    },
  ]);
});
