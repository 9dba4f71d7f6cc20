import type { Pod, SecurityContext, Volume, VolumeMount } from '../../../src/hardening/podSpec.js';
import { container, itHardens, pod, podWith } from '../../support/harden.js';

const POD_UID = 'spec.securityContext.runAsUser';
const POD_GID = 'spec.securityContext.runAsGroup';
const FS_GROUP = 'spec.securityContext.fsGroup';
const POLICY = 'spec.securityContext.fsGroupChangePolicy';
const at = (index: number): string => `spec.containers[${index}].securityContext.runAs`;
const UID = `${at(0)}User`;
const GID = `${at(0)}Group`;

const ids = (uid: number, gid = uid, fsGroup = gid): Record<string, unknown> => ({
  [POD_UID]: uid,
  [POD_GID]: gid,
  [FS_GROUP]: fsGroup,
  [POLICY]: 'OnRootMismatch',
});
const two = (first: SecurityContext, second: SecurityContext, onPod?: Pod['spec']['securityContext']): Pod =>
  pod({
    ...(onPod && { securityContext: onPod }),
    containers: [container({ securityContext: first }), container({ name: 'side', securityContext: second })],
  });
const withImages = (...images: string[]): Pod =>
  pod({ containers: images.map((image, index) => container({ name: `c${index}`, image })) });
const withVolume = (volume: Volume, mount: Partial<VolumeMount> = {}, image?: string): Pod =>
  pod({
    volumes: [{ name: 'data', ...volume }],
    containers: [
      container({ ...(image && { image }), volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }] }),
    ],
  });
const sysctl = (name: string, value: string): Partial<Pod['spec']> => ({
  securityContext: { sysctls: [{ name, value }] },
});
const portStart = (first: string) => sysctl('net.ipv4.ip_unprivileged_port_start', first);
const listening = (port: number) => container({ ports: [{ containerPort: port, hostPort: port }] });
const withPgdata = (mountPath: string, given: string | object): Pod => {
  const { spec, ...rest } = withVolume(CLAIM, { mountPath }, 'postgres:17');
  const variable = { name: 'PGDATA', ...(typeof given === 'string' ? { value: given } : given) };
  return { ...rest, spec: { ...spec, containers: [{ ...spec.containers?.[0], env: [variable] }] } };
};
const CLAIM: Volume = { persistentVolumeClaim: { claimName: 'data' } };

describe('runAsUser', () => {
  itHardens('runAsUser', [
    {
      title: 'writes uid, gid and fsGroup on the pod where all containers get the same',
      pod: two({}, {}),
      set: ids(65532),
    },
    {
      title: 'leaves root where the profile says so of a volume that outlives the pod',
      pod: withVolume(CLAIM, { mountPath: '/var/lib/postgresql/data/' }, 'postgres:17'),
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'for the name of a mirror too: anyone can bring a volume to an unknown image',
      pod: withVolume(CLAIM, { mountPath: '/var/lib/postgresql/data' }, 'mirror.example/library/postgres'),
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'where the variable of the profile says that the volume is the directory',
      pod: withPgdata('/data', '/data/'),
      skipped: ['web: ImageNeeds'],
    },
    {
      title: 'but not where the variable names a folder in the volume',
      pod: withPgdata('/var/lib/postgresql/data', '/var/lib/postgresql/data/pgdata'),
      set: ids(999),
    },
    ...[
      { value: '$(DATA)' },
      { value: null },
      { valueFrom: { configMapKeyRef: { name: 'a', key: 'b' } } },
    ].map((given) => ({
      title: `which it cannot know of ${JSON.stringify(given)}: then the usual directory counts`,
      pod: withPgdata('/var/lib/postgresql/data', given),
      skipped: ['web: ImageNeeds'],
    })),
    {
      title: 'nor for a volume above it',
      pod: withVolume(CLAIM, { mountPath: '/var/lib/postgresql' }, 'postgres:17'),
      set: ids(999),
    },
    {
      title: 'nor for one that goes with the pod',
      pod: withVolume({ emptyDir: {} }, { mountPath: '/var/lib/postgresql/data' }, 'postgres:17'),
      set: ids(999),
    },
    {
      title: 'nor where the policy sets the uid all the same',
      pod: withVolume(CLAIM, { mountPath: '/var/lib/postgresql/data' }, 'postgres:17'),
      settings: { existingVolumes: 'Set' },
      set: ids(999),
    },
    {
      title: 'leaves root to a port of the host’s network that only root may listen on',
      pod: pod({ hostNetwork: true, containers: [listening(80)] }),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'and so where only the image’s profile knows of the port',
      pod: pod({ hostNetwork: true, containers: [container({ image: 'nginx' })] }),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'but not for the name of a mirror, which anyone can give an image',
      pod: pod({ hostNetwork: true, containers: [container({ image: 'evil.example/library/nginx' })] }),
      set: ids(101),
    },
    {
      title: 'nor to a port from 1024 on',
      pod: pod({ hostNetwork: true, containers: [listening(1024)] }),
      set: ids(65532),
    },
    {
      title: 'nor where this pass takes the pod off the host’s network',
      pod: pod({ hostNetwork: true, containers: [listening(80)] }),
      rules: { hostNamespaces: 'Override' },
      set: ids(65532),
    },
    {
      title: 'nor under Override, which insists',
      pod: pod({ hostNetwork: true, containers: [listening(80)] }),
      action: 'Override',
      set: ids(65532),
    },
    {
      title: 'leaves root where the author’s own sysctl keeps the port for it',
      pod: pod({ ...portStart('1024'), containers: [listening(80)] }),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'but not where that sysctl frees the port',
      pod: pod({ ...portStart('80'), containers: [listening(80)] }),
      set: ids(65532),
    },
    {
      title: 'leaves root where a bare pod’s own sysctls have to stand',
      pod: pod({ ...sysctl('net.core.somaxconn', '1'), containers: [listening(80)] }),
      rules: { unprivilegedPorts: 'Default' },
      bare: true,
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'takes uid, gid and fsGroup from the policy',
      pod: pod(),
      settings: { value: 1000, group: 2000, fsGroup: 3000 },
      set: ids(1000, 2000, 3000),
    },
    {
      title: 'writes the image profile’s uid before the policy’s, and its gid as fsGroup',
      pod: withImages('nginx:1.27'),
      set: ids(101),
    },
    {
      title: 'takes a profile’s own gid where it names one',
      pod: pod(),
      imageProfiles: [{ images: ['registry.example/shop/web'], runAsUser: 1000, runAsGroup: 50 }],
      set: ids(1000, 50),
    },
    {
      title: 'writes on the containers where profiles give different uids, and the policy’s fsGroup',
      pod: withImages('nginx', 'redis'),
      set: {
        [`${at(0)}User`]: 101,
        [`${at(0)}Group`]: 101,
        [`${at(1)}User`]: 999,
        [`${at(1)}Group`]: 999,
        [FS_GROUP]: 65532,
        [POLICY]: 'OnRootMismatch',
      },
    },
    {
      title: 'gives fsGroup the profiles’ gid where they agree',
      pod: withImages('postgres', 'registry.example/shop/web'),
      set: {
        [`${at(0)}User`]: 999,
        [`${at(0)}Group`]: 999,
        [`${at(1)}User`]: 65532,
        [`${at(1)}Group`]: 65532,
        [FS_GROUP]: 999,
        [POLICY]: 'OnRootMismatch',
      },
    },
    {
      title: 'gives a mirror’s image the uid too',
      pod: withImages('mirror.example/docker/library/redis:7'),
      set: ids(999),
    },
    {
      title: 'gives a repackaged image of the same last name the policy’s',
      pod: withImages('bitnami/nginx'),
      set: ids(65532),
    },
    {
      title: 'lets a non-root uid on the pod be, and writes no gid or fsGroup beside it',
      pod: pod({ securityContext: { runAsUser: 1000 } }),
    },
    { title: 'lets a non-root uid on the container be', pod: podWith({ runAsUser: 1000 }) },
    {
      title: 'writes on the other container alone, without fsGroup, where one has its own uid',
      pod: two({}, { runAsUser: 1000 }),
      set: { [UID]: 65532, [GID]: 65532 },
    },
    {
      title: 'keeps a gid that the author wrote, on the pod or the container',
      pod: two({ runAsGroup: 5 }, { runAsUser: 1000 }),
      set: { [UID]: 65532 },
    },
    {
      title: 'keeps the pod’s gid and fsGroup',
      pod: pod({ securityContext: { runAsGroup: 7, fsGroup: 8 } }),
      set: { [POD_UID]: 65532 },
    },
    {
      title: 'keeps the author’s fsGroupChangePolicy',
      pod: pod({ securityContext: { fsGroupChangePolicy: 'Always' } }),
      set: { [POD_UID]: 65532, [POD_GID]: 65532, [FS_GROUP]: 65532 },
    },
    {
      title: 'writes on init containers and sidecars through the pod',
      pod: pod({
        initContainers: [container({ name: 'init' }), container({ name: 'proxy', restartPolicy: 'Always' })],
      }),
      set: ids(65532),
    },

    // Who is left alone.
    {
      title: 'keeps the image’s own user where the container declares non-root',
      pod: podWith({ runAsNonRoot: true }),
      skipped: ['web: NonRootDeclared'],
    },
    {
      title: 'keeps it where the pod declares it',
      pod: pod({ securityContext: { runAsNonRoot: true } }),
      skipped: ['web: NonRootDeclared'],
    },
    {
      title: 'gives a uid to a container that declares non-root under whenNonRootDeclared: Set',
      pod: podWith({ runAsNonRoot: true }),
      settings: { whenNonRootDeclared: 'Set' },
      set: ids(65532),
    },
    {
      title: 'whenNonRootDeclared: Set still keeps the user of a container on a lasting volume',
      pod: pod({
        volumes: [{ name: 'data', ...CLAIM }],
        containers: [
          container({
            securityContext: { runAsNonRoot: true },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          }),
        ],
      }),
      settings: { whenNonRootDeclared: 'Set' },
      skipped: ['web: NonRootDeclared'],
    },
    {
      title: 'whenNonRootDeclared: Set under Warn does not ask for more than it would set',
      pod: podWith({ runAsNonRoot: true }),
      action: 'Warn',
      settings: { whenNonRootDeclared: 'Set' },
      skipped: ['web: NonRootDeclared'],
    },
    { title: 'reports uid 0 and leaves it', pod: podWith({ runAsUser: 0 }), violated: [`${UID} = 0`] },
    {
      title: 'reports uid 0 on the pod once',
      pod: two({}, {}, { runAsUser: 0 }),
      violated: [`${POD_UID} = 0`],
    },
    {
      title: 'reports uid 0 beside runAsNonRoot: true, which the kubelet will not start',
      pod: podWith({ runAsUser: 0, runAsNonRoot: true }),
      violated: [`${UID} = 0`],
    },
    {
      title: 'leaves a container that says runAsNonRoot: false',
      pod: podWith({ runAsNonRoot: false }),
      skipped: ['web: ExplicitRoot'],
    },
    {
      title: 'leaves a privileged container',
      pod: podWith({ privileged: true }),
      skipped: ['web: PrivilegedContainer'],
    },
    {
      title: 'leaves a container that adds capabilities',
      pod: podWith({ capabilities: { add: ['CAP_SYS_TIME'] } }),
      skipped: ['web: StartsAsRoot'],
    },
    {
      title: 'one root container exempts no sibling',
      pod: two({}, { privileged: true }),
      set: { [UID]: 65532, [GID]: 65532 },
      skipped: ['side: PrivilegedContainer'],
    },

    // Actions.
    {
      title: 'Override replaces uid 0 on the container',
      pod: podWith({ runAsUser: 0 }),
      action: 'Override',
      set: { ...ids(65532), [UID]: 65532 },
    },
    {
      title: 'Override replaces uid 0 on the pod',
      pod: pod({ securityContext: { runAsUser: 0 } }),
      action: 'Override',
      set: ids(65532),
    },
    {
      title: 'Override replaces uid 0 on the pod even where every container has its own uid',
      pod: two({ runAsUser: 1000 }, { runAsUser: 1000 }, { runAsUser: 0 }),
      action: 'Override',
      set: { [POD_UID]: 65532 },
    },
    {
      title: 'Override leaves uid 0 on the pod where an excepted container inherits it',
      pod: two({}, {}, { runAsUser: 0 }),
      action: 'Override',
      exceptions: [{ rules: ['runAsUser'], containers: ['side'] }],
      set: { [UID]: 65532, [GID]: 65532 },
      violated: [`${POD_UID} = 0`],
    },
    {
      title: 'Override replaces uid 0 beside runAsNonRoot: true',
      pod: podWith({ runAsUser: 0, runAsNonRoot: true }),
      action: 'Override',
      set: { ...ids(65532), [UID]: 65532 },
    },
    {
      title: 'Override does not touch a privileged container’s uid 0',
      pod: podWith({ runAsUser: 0, privileged: true }),
      action: 'Override',
      violated: [`${UID} = 0`],
    },
    { title: 'Warn reports an unset uid', pod: pod(), action: 'Warn', violated: [POD_UID] },
    {
      title: 'Warn reports it on the container where one has its own',
      pod: two({}, { runAsUser: 5 }),
      action: 'Warn',
      violated: [UID],
    },
    { title: 'Warn reports uid 0', pod: podWith({ runAsUser: 0 }), action: 'Warn', violated: [`${UID} = 0`] },
    { title: 'Deny refuses an unset uid', pod: pod(), action: 'Deny', violated: [`${POD_UID} (denied)`] },
    {
      title: 'Deny refuses uid 0',
      pod: podWith({ runAsUser: 0 }),
      action: 'Deny',
      violated: [`${UID} = 0 (denied)`],
    },
    {
      title: 'Deny refuses a container that gets out by a lasting volume',
      pod: withVolume(CLAIM),
      action: 'Deny',
      violated: [`${UID} (denied)`],
    },
    {
      title: 'Deny refuses a container that gets out by adding capabilities',
      pod: podWith({ capabilities: { add: ['CHOWN'] } }),
      action: 'Deny',
      violated: [`${UID} (denied)`],
    },
    { title: 'Disabled does not run', pod: podWith({ runAsUser: 0 }), action: 'Disabled' },
    {
      title: 'is reported as opted out',
      pod: pod(),
      labels: { runAsUser: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'reports an opted-out uid 0 as opted out, not as a violation',
      pod: podWith({ runAsUser: 0 }),
      labels: { runAsUser: 'disabled' },
      skipped: ['web: OptedOut'],
    },
    {
      title: 'an exception for one of two containers: uid on the other, no fsGroup, which would reach both',
      pod: two({}, {}),
      exceptions: [{ rules: ['runAsUser'], containers: ['side'] }],
      set: { [UID]: 65532, [GID]: 65532 },
      skipped: ['side: Excepted'],
    },
    {
      title: 'is held back for unknown images under Safe',
      pod: pod(),
      unknownImages: 'Safe',
      skipped: ['web: UnknownImage'],
    },
    {
      title: 'is written for a known image under Safe',
      pod: withImages('redis'),
      unknownImages: 'Safe',
      set: ids(999),
    },
    { title: 'does not run on Windows', pod: pod({ os: { name: 'windows' } }), skipped: ['WindowsPod'] },
    {
      title: 'writes uid and gid on an added ephemeral container, and nothing on the pod',
      pod: pod({ ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      set: {
        'spec.ephemeralContainers[0].securityContext.runAsUser': 65532,
        'spec.ephemeralContainers[0].securityContext.runAsGroup': 65532,
      },
    },
    {
      title: 'finds what an added ephemeral container comes to below the pod, where the pod is not looked at',
      pod: pod({ securityContext: { runAsUser: 0 }, ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Deny',
      violated: ['spec.securityContext.runAsUser = 0 (denied)'],
    },
    {
      title: 'Override gives an ephemeral container below uid 0 its own',
      pod: pod({ securityContext: { runAsUser: 0 }, ephemeralContainers: [container({ name: 'debug' })] }),
      scope: 'ephemeralContainers',
      addedEphemeral: [0],
      action: 'Override',
      set: {
        'spec.ephemeralContainers[0].securityContext.runAsUser': 65532,
        'spec.ephemeralContainers[0].securityContext.runAsGroup': 65532,
      },
    },
    { title: 'is the same on a template and on a bare pod', pod: pod(), scope: 'template', set: ids(65532) },
    { title: 'is the same on a bare pod', pod: pod(), bare: true, set: ids(65532) },
    { title: 'has nothing to do in a pod without containers', pod: pod({ containers: [] }), valid: false },
  ]);

  describe('NamespaceRange', () => {
    const settings = { strategy: 'NamespaceRange' };
    itHardens('runAsUser', [
      {
        title: 'takes the first uid of the annotation for uid, gid and fsGroup',
        pod: pod(),
        settings,
        uidRange: '1000680000/10000',
        set: ids(1000680000),
      },
      { title: 'means value where the annotation is missing', pod: pod(), settings, set: ids(65532) },
      { title: 'means value where it is malformed', pod: pod(), settings, uidRange: 'lots', set: ids(65532) },
      { title: 'does not count for Fixed', pod: pod(), uidRange: '1000680000/10000', set: ids(65532) },
      {
        title: 'comes after an image profile',
        pod: withImages('redis'),
        settings,
        uidRange: '1000680000/10000',
        set: ids(999),
      },
      {
        title: 'does not combine with hostUsers: false, where only 65536 ids exist: value is taken',
        pod: pod({ hostUsers: false }),
        settings,
        uidRange: '1000680000/10000',
        set: ids(65532),
      },
    ]);
  });

  describe('volumes that outlive the pod', () => {
    const lasting: Record<string, Volume> = {
      'a persistent volume claim': CLAIM,
      'an NFS share': { nfs: { server: 'nfs', path: '/' } },
      'a host directory': { hostPath: { path: '/srv/data' } },
      'a host directory with a type': { hostPath: { path: '/srv/data', type: 'DirectoryOrCreate' } },
      'an inline CSI volume': { csi: { driver: 'csi.example' } },
    };
    const passing: Record<string, Volume> = {
      emptyDir: { emptyDir: {} },
      configMap: { configMap: { name: 'c' } },
      secret: { secret: { secretName: 's' } },
      downwardAPI: { downwardAPI: { items: [] } },
      projected: { projected: { sources: [] } },
      image: { image: { reference: 'registry.example/data:1' } },
      ephemeral: { ephemeral: { volumeClaimTemplate: { spec: {} } } },
      gitRepo: { gitRepo: { repository: 'https://git.example/r' } },
      'no source, which is an emptyDir': {},
      'a host file': { hostPath: { path: '/etc/hosts', type: 'File' } },
      'a host file to be created': { hostPath: { path: '/etc/hosts', type: 'FileOrCreate' } },
      'a host socket': { hostPath: { path: '/run/x.sock', type: 'Socket' } },
      'a host device': { hostPath: { path: '/dev/kvm', type: 'CharDevice' } },
      'a host block device': { hostPath: { path: '/dev/sda', type: 'BlockDevice' } },
      '/etc/localtime, however written': { hostPath: { path: '//etc/./localtime' } },
    };
    itHardens('runAsUser', [
      ...Object.entries(lasting).map(([name, volume]) => ({
        title: `${name} keeps the user of an unknown image`,
        pod: withVolume(volume),
        valid: false,
        skipped: ['web: StatefulUnknownImage'],
      })),
      ...Object.entries(passing).map(([name, volume]) => ({
        title: `${name} does not`,
        pod: withVolume(volume),
        valid: false,
        set: ids(65532),
      })),
      {
        title: 'mounted read-only does not count',
        pod: withVolume(CLAIM, { readOnly: true }),
        set: ids(65532),
      },
      {
        title: 'a raw device counts',
        pod: pod({
          volumes: [{ name: 'data', ...CLAIM }],
          containers: [container({ volumeDevices: [{ name: 'data', devicePath: '/dev/xvda' }] })],
        }),
        skipped: ['web: StatefulUnknownImage'],
      },
      {
        title: 'a StatefulSet’s claim counts, though the template has no such volume',
        pod: pod({ containers: [container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })] }),
        scope: 'template',
        reservedVolumeNames: ['data'],
        skipped: ['web: StatefulUnknownImage'],
      },
      {
        title: 'a StatefulSet’s claim counts in place of a volume of its name',
        pod: withVolume({ emptyDir: {} }),
        scope: 'template',
        reservedVolumeNames: ['data'],
        skipped: ['web: StatefulUnknownImage'],
      },
      {
        title: 'a host directory that hostPath makes read-only in this pass does not count, nor in the next',
        pod: withVolume({ hostPath: { path: '/etc/cni' } }),
        rules: { hostPath: 'Override' },
        set: ids(65532),
      },
      {
        title: 'a host directory that hostPath leaves alone counts beside it',
        pod: withVolume({ hostPath: { path: '/srv' } }),
        rules: { hostPath: 'Override' },
        skipped: ['web: StatefulUnknownImage'],
      },
      {
        title: 'an image with a profile has its own uid, which can read it',
        pod: withVolume(CLAIM, {}, 'postgres:16'),
        set: ids(999),
      },
      {
        title: 'a profile that names no uid is no help',
        pod: withVolume(CLAIM),
        imageProfiles: [{ images: ['registry.example/shop/web'], ports: [8080] }],
        skipped: ['web: StatefulUnknownImage'],
      },
      {
        title: 'existingVolumes: Set gives the uid all the same',
        pod: withVolume(CLAIM),
        settings: { existingVolumes: 'Set' },
        set: ids(65532),
      },
      {
        title: 'an author’s uid stands beside it',
        pod: pod({ ...withVolume(CLAIM).spec, securityContext: { runAsUser: 1000 } }),
      },
      {
        title: 'the sibling that does not mount it is hardened',
        pod: pod({
          volumes: [{ name: 'data', ...CLAIM }],
          containers: [
            container(),
            container({ name: 'db', volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
          ],
        }),
        set: { [UID]: 65532, [GID]: 65532 },
        skipped: ['db: StatefulUnknownImage'],
      },
    ]);
  });
});
