import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.containers[0].imagePullPolicy';
const INIT = 'spec.initContainers[0].imagePullPolicy';
const VOLUME = 'spec.volumes[1].image.pullPolicy';
const cached = pod({
  initContainers: [container({ name: 'init', imagePullPolicy: 'Never' })],
  containers: [container({ imagePullPolicy: 'IfNotPresent' })],
});
const withVolume = (pullPolicy?: string | null) =>
  pod({
    volumes: [
      { name: 'data', emptyDir: {} },
      {
        name: 'model',
        image: { reference: 'registry.example/models/small:3', pullPolicy: pullPolicy ?? null },
      },
    ],
    containers: [container({ imagePullPolicy: 'Always' })],
  });

describe('imagePullPolicy', () => {
  itHardens('imagePullPolicy', [
    {
      title: 'Override replaces IfNotPresent, which the API server may have filled in, and Never',
      pod: cached,
      action: 'Override',
      set: { [FIELD]: 'Always', [INIT]: 'Always' },
    },
    {
      title: 'Override sets it in a manifest that no API server has seen',
      pod: pod({ containers: [container(), container({ name: 'side', imagePullPolicy: '' })] }),
      action: 'Override',
      set: { [FIELD]: 'Always', 'spec.containers[1].imagePullPolicy': 'Always' },
    },
    {
      title: 'Override replaces it on a volume that is an image',
      pod: withVolume('IfNotPresent'),
      action: 'Override',
      set: { [VOLUME]: 'Always' },
    },
    {
      title: 'Override sets it on such a volume',
      pod: withVolume(),
      action: 'Override',
      set: { [VOLUME]: 'Always' },
    },
    { title: 'lets Always be', pod: withVolume('Always'), action: 'Deny' },
    {
      title: 'Warn reports what is weaker, and what is unset',
      pod: pod({ initContainers: cached.spec.initContainers ?? [] }),
      action: 'Warn',
      violated: [`${INIT} = "Never"`, FIELD],
    },
    {
      title: 'Deny refuses an image volume that may be cached',
      pod: withVolume('IfNotPresent'),
      action: 'Deny',
      violated: [`${VOLUME} = "IfNotPresent" (denied)`],
    },
    { title: 'Disabled does not run', pod: cached, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: cached,
      action: 'Override',
      labels: { imagePullPolicy: 'disabled' },
      skipped: ['init: OptedOut', 'web: OptedOut'],
    },
    {
      title: 'an exception lifts it for its container alone',
      pod: cached,
      action: 'Override',
      exceptions: [{ rules: ['imagePullPolicy'], containers: ['init'] }],
      set: { [FIELD]: 'Always' },
      skipped: ['init: Excepted'],
    },
    {
      title: 'an exception for every container lifts it for volumes too',
      pod: withVolume('IfNotPresent'),
      action: 'Override',
      exceptions: [{ rules: ['imagePullPolicy'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is of medium risk: unknown images are only reported under Safe',
      pod: pod({ containers: [container({ imagePullPolicy: 'IfNotPresent' })] }),
      action: 'Override',
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
      violated: [`${FIELD} = "IfNotPresent"`],
    },
    {
      title: 'runs on Windows too',
      pod: pod({ os: { name: 'windows' }, containers: [container({ imagePullPolicy: 'Never' })] }),
      action: 'Override',
      set: { [FIELD]: 'Always' },
    },
    {
      title: 'goes on the ephemeral container that is added, and not on volumes',
      pod: pod({
        volumes: withVolume('IfNotPresent').spec.volumes ?? [],
        ephemeralContainers: [container({ name: 'debug', imagePullPolicy: 'IfNotPresent' })],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: { 'spec.ephemeralContainers[0].imagePullPolicy': 'Always' },
    },
  ]);
});
