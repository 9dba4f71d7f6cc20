import { expect } from 'chai';
import { container, hardenPod, itHardens, pod, podWith } from '../../support/harden.js';

const FIELD = 'spec.containers[0].securityContext.readOnlyRootFilesystem';
const MOUNTS = 'spec.containers[0].volumeMounts[]';
const VOLUMES = 'spec.volumes[]';
const NAME = 'kube-harden-tmp-7a695935';
const NO_PATHS = { writablePaths: [] };
const RULES = { rules: { readOnlyRootFilesystem: 'Default' } } as const;

const mountedAt = (...paths: string[]) =>
  pod({
    volumes: paths.map((_, index) => ({ name: `v${index}`, emptyDir: {} })),
    containers: [
      container({ volumeMounts: paths.map((mountPath, index) => ({ name: `v${index}`, mountPath })) }),
    ],
  });
const pathsOf = (
  given: ReturnType<typeof pod>,
  options: Parameters<typeof hardenPod>[1] = RULES,
): unknown[] =>
  hardenPod(given, options).hardened.spec.containers?.[0]?.volumeMounts?.map(({ mountPath }) => mountPath) ??
  [];

describe('readOnlyRootFilesystem', () => {
  itHardens('readOnlyRootFilesystem', [
    { title: 'is true where it is unset', pod: pod(), settings: NO_PATHS, set: { [FIELD]: true } },
    {
      title: 'lets an author’s true be and adds no volume to it',
      pod: podWith({ readOnlyRootFilesystem: true }),
      action: 'Override',
    },
    {
      title: 'reports an explicit false and leaves it, without a volume',
      pod: podWith({ readOnlyRootFilesystem: false }),
      violated: [`${FIELD} = false`],
    },
    {
      title: 'Override replaces an explicit false',
      pod: podWith({ readOnlyRootFilesystem: false }),
      action: 'Override',
      settings: NO_PATHS,
      set: { [FIELD]: true },
    },
    { title: 'Warn reports an unset one and adds no volume', pod: pod(), action: 'Warn', violated: [FIELD] },
    { title: 'Deny refuses an unset one', pod: pod(), action: 'Deny', violated: [`${FIELD} (denied)`] },
    {
      title: 'Deny refuses an explicit false on a privileged container',
      pod: podWith({ privileged: true, readOnlyRootFilesystem: false }),
      action: 'Deny',
      violated: [`${FIELD} = false (denied)`],
    },
    { title: 'Disabled does not run', pod: podWith({ readOnlyRootFilesystem: false }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { readOnlyRootFilesystem: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception lifts it from one of two containers',
      pod: pod({ containers: [container(), container({ name: 'side' })] }),
      settings: NO_PATHS,
      exceptions: [{ rules: ['readOnlyRootFilesystem'], containers: ['side'] }],
      set: { [FIELD]: true },
      skipped: ['side: Excepted'],
    },
    {
      title: 'leaves a privileged container alone',
      pod: podWith({ privileged: true }),
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'is held back for unknown images under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'skips ephemeral containers: they need to write, and no volume can be added',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      skipped: ['debug: EphemeralContainer'],
    },
    {
      title: 'skips them under Deny too',
      pod: pod({
        ephemeralContainers: [
          container({ name: 'debug', securityContext: { readOnlyRootFilesystem: false } }),
        ],
      }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      skipped: ['debug: EphemeralContainer'],
    },
    {
      title: 'skips an image whose profile in the policy says that it writes everywhere',
      pod: podWith({ readOnlyRootFilesystem: false }),
      action: 'Deny',
      imageProfiles: [{ images: ['registry.example/shop/web'], needs: ['writableRoot'] }],
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'mounts an emptyDir of the policy’s size at each writable path',
      pod: pod(),
      set: {
        [FIELD]: true,
        [MOUNTS]: [{ name: NAME, mountPath: '/tmp' }],
        [VOLUMES]: [{ name: NAME, emptyDir: { sizeLimit: '1Gi' } }],
      },
    },
    {
      title: 'takes the size from the image’s profile',
      pod: pod(),
      imageProfiles: [{ images: ['registry.example/shop/web'], sizeLimit: '20Gi' }],
      set: {
        [FIELD]: true,
        [MOUNTS]: [{ name: NAME, mountPath: '/tmp' }],
        [VOLUMES]: [{ name: NAME, emptyDir: { sizeLimit: '20Gi' } }],
      },
    },
  ]);

  it('gives every container an emptyDir of its own', () => {
    const { hardened } = hardenPod(
      pod({
        initContainers: [container({ name: 'init' })],
        containers: [container(), container({ name: 'b' })],
      }),
      RULES,
    );
    const { initContainers = [], containers = [], volumes = [] } = hardened.spec;
    const names = [...(initContainers ?? []), ...(containers ?? [])].map((c) => c.volumeMounts?.[0]?.name);
    expect(new Set(names).size).to.equal(3);
    expect(volumes?.map(({ name }) => name)).to.deep.equal(names);
  });

  it('joins the policy’s paths and the profile’s, a path below another one only once', () => {
    const image = 'registry.example/shop/web';
    const given = {
      rules: { readOnlyRootFilesystem: { action: 'Default', writablePaths: ['/tmp', '/var/cache'] } },
      imageProfiles: [{ images: [image], writablePaths: ['/var/cache/web', '/run', '/tmp'] }],
    } as const;
    expect(pathsOf(pod(), given)).to.deep.equal(['/run', '/tmp', '/var/cache']);
  });

  for (const [title, path] of [
    ['at the path', '/tmp'],
    ['at the path with a slash', '/tmp/'],
    ['at the path, not cleaned', '//var/../tmp/.'],
    ['above it', '/'],
    ['without a leading slash', 'tmp'],
  ] as const) {
    it(`adds nothing where something is mounted ${title}`, () => {
      expect(pathsOf(mountedAt(path))).to.deep.equal([path]);
    });
  }
  it('knows that /var/run is /run: it hides no volume of the author’s, nor mounts the place twice', () => {
    const given = {
      rules: { readOnlyRootFilesystem: { action: 'Default', writablePaths: ['/run/web', '/var/run/web'] } },
    } as const;
    expect(pathsOf(pod(), given)).to.deep.equal(['/run/web']);
    expect(pathsOf(mountedAt('/var/run'), given)).to.deep.equal(['/var/run']);
    expect(pathsOf(mountedAt('/run/web'), given)).to.deep.equal(['/run/web']);
    expect(pathsOf(mountedAt('/var/running'), given)).to.deep.equal(['/var/running', '/run/web']);
  });

  for (const [title, writablePath, ...mounts] of [
    ['at it', '/var/lib/web'],
    ['below it', '/var/lib/web/tmp'],
    ['above it', '/var'],
    ['above it, with another volume beside', '/var', '/var/lib/other'],
  ] as const) {
    it(`never covers the data that a profile names: a writable path ${title}`, () => {
      const given = {
        rules: { readOnlyRootFilesystem: { action: 'Default', writablePaths: [writablePath] } },
        imageProfiles: [{ images: ['registry.example/shop/web'], dataPaths: ['/var/lib/web'] }],
      } as const;
      expect(pathsOf(mountedAt(...mounts), given)).to.deep.equal(mounts);
      const { skips } = hardenPod(mountedAt(...mounts), given);
      expect(skips.map(({ code, detail }) => `${code}: ${detail}`)).to.deep.equal([
        `ImageNeeds: no emptyDir at ${writablePath}: the image keeps data at /var/lib/web`,
      ]);
    });
  }
  it('covers the directory above the data where a volume of the pod holds the data', () => {
    const given = {
      rules: { readOnlyRootFilesystem: { action: 'Default', writablePaths: ['/var'] } },
      imageProfiles: [{ images: ['registry.example/shop/web'], dataPaths: ['/var/lib/web'] }],
    } as const;
    expect(pathsOf(mountedAt('/var/lib/web'), given)).to.deep.equal(['/var/lib/web', '/var']);
  });
  it('adds it where something is mounted below, or beside under a like name', () => {
    expect(pathsOf(mountedAt('/tmp/cache', '/tmpfs'))).to.deep.equal(['/tmp/cache', '/tmpfs', '/tmp']);
  });
  it('adds nothing where a raw device is at the path', () => {
    const given = pod({
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }],
      containers: [container({ volumeDevices: [{ name: 'd', devicePath: '/tmp' }] })],
    });
    expect(pathsOf(given)).to.deep.equal([]);
  });

  describe('names of volumes', () => {
    const namesOf = (given: ReturnType<typeof pod>, options: Parameters<typeof hardenPod>[1] = RULES) =>
      hardenPod(given, options).hardened.spec.volumes?.map(({ name }) => name ?? '') ?? [];

    it('are DNS labels of at most 63 characters, whatever the path', () => {
      const writablePaths = [`/${'long/'.repeat(40)}x`, '/___', '/Ünï/CODE', '/a.b'];
      const options = { rules: { readOnlyRootFilesystem: { writablePaths } } };
      const names = namesOf(pod({ containers: [container({ name: 'c'.repeat(63) })] }), options);
      expect(names).to.have.length(4);
      for (const name of names) expect(name).to.match(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])$/);
    });
    it('are the same in every run', () => {
      expect(namesOf(pod())).to.deep.equal(namesOf(pod()));
    });
    it('clash with no volume of the pod', () => {
      const given = pod({
        volumes: [
          { name: NAME, emptyDir: {} },
          { name: `${NAME}-2`, emptyDir: {} },
        ],
      });
      expect(namesOf(given)).to.deep.equal([NAME, `${NAME}-2`, `${NAME}-3`]);
    });
    it('clash with no volumeClaimTemplate', () => {
      expect(namesOf(pod(), { ...RULES, scope: 'template', reservedVolumeNames: [NAME] })).to.deep.equal([
        `${NAME}-2`,
      ]);
    });
  });
});
