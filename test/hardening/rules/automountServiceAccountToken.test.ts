import { expect } from 'chai';
import type { Volume } from '../../../src/hardening/podSpec.js';
import { REMOVED, container, hardenPod, itHardens, pod } from '../../support/harden.js';

const FIELD = 'spec.automountServiceAccountToken';
const PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const NAME = 'kube-api-access-x7k2p';
const TOKEN: Volume = {
  name: NAME,
  projected: {
    sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'kube-root-ca.crt' } }],
  },
};
const MOUNT = { name: NAME, mountPath: PATH, readOnly: true };
const OTHER = { name: 'data', mountPath: '/data' };

/** As the API server sends it: the token is injected before a webhook sees the pod. */
const injected = (volume: Volume = TOKEN, mountPath = PATH) =>
  pod({
    volumes: [{ name: 'data', emptyDir: {} }, volume],
    initContainers: [
      container({ name: 'init', volumeMounts: [{ ...MOUNT, name: volume.name ?? '', mountPath }] }),
    ],
    containers: [container({ volumeMounts: [OTHER, { ...MOUNT, name: volume.name ?? '', mountPath }] })],
  });
const ALL_REMOVED = {
  [FIELD]: false,
  'spec.volumes[1]': REMOVED,
  'spec.initContainers[0].volumeMounts[0]': REMOVED,
  'spec.containers[0].volumeMounts[1]': REMOVED,
};

describe('automountServiceAccountToken', () => {
  itHardens('automountServiceAccountToken', [
    { title: 'is false where it is unset', pod: pod(), set: { [FIELD]: false } },
    { title: 'lets false be', pod: pod({ automountServiceAccountToken: false }), action: 'Deny' },
    { title: 'takes the token volume and its mounts out with it', pod: injected(), set: ALL_REMOVED },
    {
      title: 'reports an explicit true and leaves the token',
      pod: pod({ ...injected().spec, automountServiceAccountToken: true }),
      violated: [`${FIELD} = true`],
    },
    {
      title: 'Override replaces an explicit true and takes the token out',
      pod: pod({ ...injected().spec, automountServiceAccountToken: true }),
      action: 'Override',
      set: ALL_REMOVED,
    },
    {
      title: 'Warn reports an unset one and leaves the token',
      pod: injected(),
      action: 'Warn',
      violated: [FIELD],
    },
    { title: 'Deny refuses an unset one', pod: injected(), action: 'Deny', violated: [`${FIELD} (denied)`] },
    { title: 'Disabled does not run', pod: injected(), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: injected(),
      labels: { automountServiceAccountToken: 'disabled' },
      skipped: ['OptedOut'],
    },
    {
      title: 'an exception for one of two containers does not lift a rule about the whole pod',
      pod: injected(),
      exceptions: [{ rules: ['automountServiceAccountToken'], containers: ['init'] }],
      set: ALL_REMOVED,
    },
    {
      title: 'one that matches every container does',
      pod: injected(),
      exceptions: [{ rules: ['automountServiceAccountToken'] }],
      skipped: ['Excepted'],
    },
    {
      title: 'leaves a volume of the author’s that only has such a name',
      pod: injected({ name: NAME, emptyDir: {} }),
      set: { [FIELD]: false },
    },
    {
      title: 'leaves a projected volume of such a name without a token',
      pod: injected({ name: NAME, projected: { sources: [{ configMap: { name: 'c' } }] } }),
      set: { [FIELD]: false },
    },
    {
      title: 'leaves a token that is mounted elsewhere',
      pod: injected(TOKEN, '/token'),
      set: { [FIELD]: false },
    },
    {
      title: 'leaves a token of another name',
      pod: injected({ ...TOKEN, name: 'vault-token' }),
      set: { [FIELD]: false },
    },
    { title: 'leaves one that nothing mounts', pod: pod({ volumes: [TOKEN] }), set: { [FIELD]: false } },
    {
      title: 'sets only the field on a template: nothing is injected there',
      pod: injected(),
      scope: 'template',
      set: { [FIELD]: false },
    },
    { title: 'runs on Windows too', pod: pod({ os: { name: 'windows' } }), set: { [FIELD]: false } },
    {
      title: 'is held back for unknown images under Safe',
      pod: injected(),
      unknownImages: 'Safe',
      skipped: ['UnknownImage'],
    },
    {
      title: 'has no say on pods/ephemeralcontainers',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
    },
  ]);

  it('leaves the other volumes and mounts, and no token, in place', () => {
    const { hardened } = hardenPod(injected(), { rules: { automountServiceAccountToken: 'Default' } });
    expect(hardened.spec.volumes).to.deep.equal([{ name: 'data', emptyDir: {} }]);
    expect(hardened.spec.containers?.[0]?.volumeMounts).to.deep.equal([OTHER]);
    expect(hardened.spec.initContainers?.[0]?.volumeMounts).to.deep.equal([]);
  });
});
