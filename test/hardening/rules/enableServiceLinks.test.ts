import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.enableServiceLinks';
/** As every Pod is by the time that a webhook sees it. */
const LINKED = pod({ enableServiceLinks: true, containers: [container(), container({ name: 'side' })] });

describe('enableServiceLinks', () => {
  itHardens('enableServiceLinks', [
    {
      title: 'Override takes away what the API server has filled in',
      pod: LINKED,
      action: 'Override',
      set: { [FIELD]: false },
    },
    {
      title: 'Override sets it in a manifest that no API server has seen',
      pod: pod(),
      action: 'Override',
      set: { [FIELD]: false },
    },
    { title: 'lets false be', pod: pod({ enableServiceLinks: false }), action: 'Deny' },
    { title: 'Warn reports true', pod: LINKED, action: 'Warn', violated: [`${FIELD} = true`] },
    { title: 'Warn reports an unset one', pod: pod(), action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses true', pod: LINKED, action: 'Deny', violated: [`${FIELD} = true (denied)`] },
    { title: 'Disabled does not run', pod: LINKED, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: LINKED,
      action: 'Override',
      labels: { enableServiceLinks: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'an exception for one of two containers does not lift what is the pod’s',
      pod: LINKED,
      action: 'Override',
      exceptions: [{ rules: ['enableServiceLinks'], containers: ['side'] }],
      set: { [FIELD]: false },
    },
    {
      title: 'one that matches every container does',
      pod: LINKED,
      action: 'Override',
      exceptions: [{ rules: ['enableServiceLinks'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is held back as soon as one image is unknown under Safe',
      pod: LINKED,
      action: 'Override',
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
      violated: [`${FIELD} = true`],
    },
    {
      title: 'runs on Windows too',
      pod: pod({ os: { name: 'windows' }, enableServiceLinks: true }),
      action: 'Override',
      set: { [FIELD]: false },
    },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ enableServiceLinks: true, ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
    },
  ]);
});
