import { container, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.securityContext.supplementalGroupsPolicy';
const MERGED = pod({ securityContext: { supplementalGroupsPolicy: 'Merge', supplementalGroups: [4000] } });
const TWO = pod({ containers: [container(), container({ name: 'side' })] });

describe('supplementalGroupsPolicy', () => {
  itHardens('supplementalGroupsPolicy', [
    { title: 'is Strict where it is unset', pod: pod(), set: { [FIELD]: 'Strict' } },
    {
      title: 'lets Strict be',
      pod: pod({ securityContext: { supplementalGroupsPolicy: 'Strict' } }),
      action: 'Deny',
    },
    { title: 'reports Merge', pod: MERGED, violated: [`${FIELD} = "Merge"`] },
    { title: 'Override replaces Merge', pod: MERGED, action: 'Override', set: { [FIELD]: 'Strict' } },
    { title: 'Warn reports an unset one', pod: pod(), action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses an unset one', pod: pod(), action: 'Deny', violated: [`${FIELD} (denied)`] },
    { title: 'Disabled does not run', pod: MERGED, action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { supplementalGroupsPolicy: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'an exception for one of two containers does not lift what is the pod’s',
      pod: TWO,
      exceptions: [{ rules: ['supplementalGroupsPolicy'], containers: ['side'] }],
      set: { [FIELD]: 'Strict' },
    },
    {
      title: 'one that matches every container does',
      pod: TWO,
      exceptions: [{ rules: ['supplementalGroupsPolicy'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'is of high risk: unknown images do not get it under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
    },
  ]);
});
