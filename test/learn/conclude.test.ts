import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { loadPolicies } from '../../src/policy/load.js';
import { conclude } from '../../src/learn/conclude.js';
import { profileYaml } from '../../src/learn/learnedYaml.js';
import type {
  DirectoryState,
  LearnedProfile,
  Observation,
  ObservedProcess,
  PodObject,
  WrittenFile,
} from '../../src/learn/observation.js';
import { observationOf } from './support/observations.js';

interface Recorded {
  readonly pod: PodObject;
  readonly observation: Observation;
}

/** What `observe` saw of a program on the real node. */
function recorded(name: string): Recorded {
  const file = new URL(`../fixtures/learn/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Recorded;
}

function learnRecorded(name: string): LearnedProfile {
  const { pod, observation } = recorded(name);
  return conclude([observation], { pod, container: observation.container });
}

const POD = {
  metadata: { name: 'web-0', namespace: 'shop' },
  spec: { containers: [{ name: 'app', image: 'registry.example/shop/web:1' }] },
} as unknown as PodObject;

function learn(given: Partial<Observation>, pod: PodObject = POD): LearnedProfile {
  return conclude([observationOf(given)], { pod, container: 'app' });
}

function file(path: string, given: Partial<WrittenFile> = {}): WrittenFile {
  return {
    path,
    kind: 'file',
    uid: 999,
    gid: 999,
    mode: 0o644,
    size: 10,
    modified: 1,
    how: 'newer',
    ...given,
  };
}

function directory(path: string, given: Partial<DirectoryState> = {}): DirectoryState {
  return { path, uid: 0, gid: 0, mode: 0o755, entries: [], ...given };
}

const [ROOT, WORKER] = observationOf().processes as [ObservedProcess, ObservedProcess];

function becauseOf({ fields }: LearnedProfile, name: string): Record<string, string> {
  const found = fields.filter(({ field }) => field === name);
  return Object.fromEntries(
    found.flatMap(({ values }) => values.map(({ value, because }) => [value, because])),
  );
}

describe('conclude', () => {
  describe('on what was seen on a real node', () => {
    const CASES = [
      {
        name: 'nginx',
        profile: {
          images: ['docker.io/library/nginx'],
          runAsUser: 101,
          writablePaths: ['/run', '/var/cache/nginx'],
          ports: [80],
          startsAsRoot: { capabilities: ['CHOWN', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] },
        },
      },
      {
        name: 'redis',
        profile: {
          images: ['docker.io/library/redis'],
          runAsUser: 999,
          startsAsRoot: { capabilities: ['SETGID', 'SETPCAP', 'SETUID'] },
        },
      },
      {
        name: 'postgres',
        profile: {
          images: ['docker.io/library/postgres'],
          runAsUser: 999,
          writablePaths: ['/run/postgresql'],
          startsAsRoot: { capabilities: ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETUID'] },
        },
      },
      {
        name: 'caddy',
        profile: {
          images: ['docker.io/library/caddy'],
          writablePaths: ['/config/caddy'],
          ports: [80],
          needs: ['NET_BIND_SERVICE'],
        },
      },
      {
        name: 'phpapache',
        profile: {
          images: ['docker.io/library/php'],
          runAsUser: 33,
          writablePaths: ['/run/apache2'],
          ports: [80],
          startsAsRoot: { capabilities: ['CHOWN', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] },
        },
      },
    ];
    for (const { name, profile } of CASES) {
      it(`${name}: what it needs, in a form that a policy takes`, () => {
        const learned = learnRecorded(name);
        expect(learned.profile).to.deep.equal(profile);
        const document = {
          apiVersion: 'kube-harden.io/v1alpha1',
          kind: 'HardeningPolicy',
          metadata: { name: 'learnt' },
          spec: { imageProfiles: parse(profileYaml(learned)) as unknown },
        };
        expect(document.spec.imageProfiles).to.deep.equal([profile]);
        expect(loadPolicies(stringify(document))).to.have.lengthOf(1);
      });
    }
  });

  describe('the user', () => {
    it('is that of the processes which dropped, not of the first one', () => {
      const { profile, fields } = learn({});
      expect(profile.runAsUser).to.equal(999);
      expect(becauseOf({ fields } as LearnedProfile, 'runAsUser')).to.deep.equal({
        999: 'program (pid 7) run so; program (pid 1) stays root',
      });
    });
    it('is not known of a program that stays root', () => {
      const { profile, fields } = learn({ processes: [ROOT] });
      expect(profile.runAsUser).to.equal(undefined);
      expect(profile.startsAsRoot).to.equal(undefined);
      expect(fields.find(({ field }) => field === 'runAsUser')?.notes[0]).to.match(
        /^not known: program \(pid 1\) stays root/,
      );
    });
    it('is not one of several, which takes an exception', () => {
      const other = { ...WORKER, pid: 8, uid: { real: 5, effective: 5, saved: 5, fs: 5 } };
      const { profile, warnings } = learn({ processes: [ROOT, WORKER, other] });
      expect(profile.runAsUser).to.equal(undefined);
      expect(warnings.join()).to.include('several users (5, 999)').and.include('exception');
    });
    it('is not that of a process which came from outside, or from a sandbox of its own', () => {
      const outside = {
        ...WORKER,
        pid: 30,
        isFromOutside: true,
        uid: { real: 7, effective: 7, saved: 7, fs: 7 },
      };
      const inSandbox = { ...outside, pid: 31, isFromOutside: false, ownUserNamespace: true };
      const { profile } = learn({ processes: [ROOT, WORKER, outside, inSandbox] });
      expect(profile.runAsUser).to.equal(999);
      expect(profile.needs).to.deep.equal(['unconfinedSeccomp']);
    });
    it('has its group named where that is another number, and not where it is 0', () => {
      const gid = (id: number): ObservedProcess => ({
        ...WORKER,
        gid: { real: id, effective: id, saved: id, fs: id },
      });
      expect(learn({ processes: [ROOT, gid(1000)] }).profile.runAsGroup).to.equal(1000);
      expect(learn({ processes: [ROOT, gid(999)] }).profile.runAsGroup).to.equal(undefined);
      const none = learn({ processes: [ROOT, gid(0)] });
      expect(none.profile.runAsGroup).to.equal(undefined);
      expect(none.fields.find(({ field }) => field === 'runAsGroup')?.notes.join()).to.include('gid 0');
    });
    it('is kept from a start as root where nothing began as root', () => {
      expect(learn({ startUid: 999, processes: [WORKER] }).profile.startsAsRoot).to.equal(undefined);
    });
  });

  describe('what it needs as root', () => {
    const lasting = {
      ...POD,
      spec: {
        containers: [
          {
            name: 'app',
            image: 'registry.example/shop/web:1',
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    } as unknown as PodObject;
    const mounts: Observation['mounts'] = [
      { path: '/', type: 'overlay', readOnly: false, of: 'root' },
      { path: '/data', type: 'ext4', readOnly: false, of: 'author' },
    ];
    it('is CHOWN where a path of the user stands in a directory that only root may write to', () => {
      const given = { written: [file('/run/own/a.sock')], directories: [directory('/run/own')] };
      expect(learn(given).profile.startsAsRoot?.capabilities).to.include('CHOWN');
      const own = { ...given, directories: [directory('/run/own', { uid: 999 })] };
      expect(learn(own).profile.startsAsRoot?.capabilities).not.to.include('CHOWN');
    });
    it('is DAC_OVERRIDE where data is for the user alone, for the next start', () => {
      const guarded: Observation['guarded'] = [
        { path: '/data/db', kind: 'directory', uid: 999, mode: 0o700 },
      ];
      const learned = learn({ mounts, guarded }, lasting);
      expect(learned.profile.startsAsRoot?.capabilities).to.include('DAC_OVERRIDE');
      expect(learned.profile.startsAsRoot?.volumes).to.equal(undefined);
      expect(learned.fields.find(({ field }) => field === 'startsAsRoot.volumes')?.notes.join()).to.include(
        '/data/db is for uid 999 alone',
      );
      expect(learned.profile.dataPaths).to.deep.equal(['/data']);
    });
    it('names a volume that the program keeps for itself, or where it guards a file', () => {
      const closed = learn({ mounts, directories: [directory('/data', { uid: 999, mode: 0o700 })] }, lasting);
      expect(closed.profile.startsAsRoot?.volumes).to.deep.equal(['/data']);
      const guarded: Observation['guarded'] = [
        { path: '/data/.cookie', kind: 'file', uid: 999, mode: 0o400 },
      ];
      expect(learn({ mounts, guarded }, lasting).profile.startsAsRoot?.volumes).to.deep.equal(['/data']);
    });
    it('is KILL, SYS_CHROOT, MKNOD and SETPCAP only where the state shows it', () => {
      const shown = learn({
        startBounding: ['CHOWN', 'KILL'],
        processes: [ROOT, { ...WORKER, root: '/var/empty' }],
        written: [file('/run/null', { kind: 'device', uid: 0 })],
      });
      expect(shown.profile.startsAsRoot?.capabilities).to.include.members([
        'KILL',
        'MKNOD',
        'SETPCAP',
        'SYS_CHROOT',
      ]);
      const gone = learn({ processes: [WORKER], written: [], startBounding: [] });
      expect(gone.profile.startsAsRoot?.capabilities).to.deep.equal(['NET_BIND_SERVICE', 'SETGID', 'SETUID']);
    });
  });

  describe('what it writes', () => {
    it('is folded to the highest directory that holds nothing of the image', () => {
      const { profile } = learn({
        written: [
          file('/srv/app/state', { kind: 'directory' }),
          file('/srv/app/state/a/1'),
          file('/srv/app/state/b/2'),
        ],
        directories: [
          directory('/srv', { entries: [{ name: 'app', kind: 'directory' }] }),
          directory('/srv/app', {
            entries: [
              { name: 'main', kind: 'file' },
              { name: 'state', kind: 'directory' },
            ],
          }),
          directory('/srv/app/state', {
            entries: [
              { name: 'a', kind: 'directory' },
              { name: 'b', kind: 'directory' },
            ],
          }),
          directory('/srv/app/state/a', { entries: [{ name: '1', kind: 'file' }] }),
          directory('/srv/app/state/b', { entries: [{ name: '2', kind: 'file' }] }),
        ],
      });
      expect(profile.writablePaths).to.deep.equal(['/srv/app/state']);
      expect(profile.needs).to.equal(undefined);
    });
    it('beside the image’s own files keeps the root file system writable, and says how to do better', () => {
      const { profile, warnings } = learn({
        written: [file('/srv/app/app.db')],
        directories: [
          directory('/srv/app', {
            entries: [
              { name: 'main', kind: 'file' },
              { name: 'app.db', kind: 'file' },
            ],
          }),
        ],
      });
      expect(profile.writablePaths).to.equal(undefined);
      expect(profile.needs).to.deep.equal(['writableRoot']);
      expect(warnings.join()).to.include('/srv/app/app.db').and.include('write elsewhere');
    });
    it('is only told where root wrote it at the start, before the program dropped', () => {
      const { profile, warnings } = learn({
        processes: [WORKER],
        written: [file('/etc/app/app.conf', { uid: 0, gid: 0 })],
        directories: [
          directory('/etc/app', {
            entries: [
              { name: 'app.conf', kind: 'file' },
              { name: 'mime', kind: 'file' },
            ],
          }),
        ],
      });
      expect(profile.needs).to.equal(undefined);
      expect(profile.writablePaths).to.equal(undefined);
      expect(warnings.join()).to.include('/etc/app/app.conf was written by root');
    });
    it('is told from data, which an emptyDir loses with the pod', () => {
      const directories = [directory('/var/lib/app'), directory('/var/cache/app'), directory('/var/log/app')];
      const written = [
        file('/var/lib/app/accounts'),
        file('/var/cache/app/blob'),
        file('/var/log/app/access.log'),
      ];
      const { profile, warnings } = learn({ written, directories });
      expect(profile.writablePaths).to.deep.equal(['/var/cache/app', '/var/lib/app', '/var/log/app']);
      expect(warnings).to.have.lengthOf(1);
      expect(warnings[0]).to.include('/var/lib/app holds what looks like data');
    });
    it('leaves out what the policy makes writable, the pod’s mounts, spare caches, and what only changed its owner', () => {
      const { profile, fields } = learn({
        mounts: [
          { path: '/', type: 'overlay', readOnly: false, of: 'root' },
          { path: '/data', type: 'ext4', readOnly: false, of: 'author' },
        ],
        written: [
          file('/tmp/a'),
          file('/data/b'),
          file('/usr/lib/app/__pycache__/main.pyc'),
          file('/usr/share/app', { how: 'owner', kind: 'file' }),
        ],
        directories: [],
      });
      expect(profile.writablePaths).to.equal(undefined);
      expect(fields.find(({ field }) => field === 'writablePaths')?.notes).to.have.lengthOf(2);
    });
    it('leaves out what another user cannot reach: the home of root', () => {
      const { profile, fields } = learn({
        processes: [ROOT],
        written: [file('/root/.config/app', { uid: 0 })],
        directories: [
          directory('/root', { mode: 0o700, entries: [{ name: '.config', kind: 'directory' }] }),
          directory('/root/.config', { mode: 0o755 }),
        ],
      });
      expect(profile.writablePaths).to.equal(undefined);
      expect(fields.find(({ field }) => field === 'writablePaths')?.notes.join()).to.include(
        '/root, which only its owner may enter',
      );
    });
    it('counts where something was made and is gone again', () => {
      const { profile } = learn({
        written: [file('/run/lock/app', { kind: 'directory' })],
        directories: [directory('/run/lock/app', { uid: 999 })],
      });
      expect(profile.writablePaths).to.deep.equal(['/run/lock/app']);
    });
    it('is not named where no profile can name it, but told', () => {
      const { profile, warnings } = learn({
        written: [file('/srv/a:b/state', { kind: 'directory' }), file('/srv/a:b/state/1')],
        directories: [
          directory('/srv/a:b', { entries: [{ name: 'state', kind: 'directory' }] }),
          directory('/srv/a:b/state', { entries: [{ name: '1', kind: 'file' }] }),
        ],
      });
      expect(profile.writablePaths).to.equal(undefined);
      expect(warnings.at(-1)).to.equal('It writes to /srv/a:b/state, which a profile cannot name.');
    });
    it('names more room where much lies there already', () => {
      const written = [file('/srv/cache/blob', { size: 3 * 1024 ** 3 })];
      const { profile } = learn({ written, directories: [directory('/srv/cache')] });
      expect(profile.sizeLimit).to.equal('12Gi');
    });
  });

  describe('a VOLUME of the image', () => {
    const mounts: Observation['mounts'] = [
      { path: '/', type: 'overlay', readOnly: false, of: 'root' },
      { path: '/data', type: 'ext4', readOnly: false, of: 'image' },
    ];
    it('stays as it is where its user may write to it', () => {
      const directories = [directory('/data', { uid: 999, gid: 999 })];
      const { profile } = learn({ mounts, directories, written: [file('/data/a')] });
      expect(profile.dataPaths).to.deep.equal(['/data']);
      expect(profile.writablePaths).to.equal(undefined);
    });
    it('becomes an emptyDir where only root may', () => {
      const { profile } = learn({
        mounts,
        processes: [ROOT],
        directories: [directory('/data')],
        written: [file('/data/a', { uid: 0 })],
      });
      expect(profile.writablePaths).to.deep.equal(['/data']);
      expect(profile.dataPaths).to.equal(undefined);
    });
  });

  describe('needs', () => {
    it('hold a capability that a process has as another user than root', () => {
      const capabilities = {
        ...WORKER.capabilities,
        effective: ['NET_BIND_SERVICE'],
        permitted: ['NET_BIND_SERVICE'],
      };
      const { profile } = learn({ processes: [{ ...WORKER, capabilities }] });
      expect(profile.needs).to.deep.equal(['NET_BIND_SERVICE']);
    });
    it('hold escalation where a set-uid program runs, or root below a user', () => {
      const setUid = { ...WORKER, exe: '/usr/bin/become', exeMode: 0o4755, exeUid: 0 };
      const needs = ['allowPrivilegeEscalation', 'SETUID', 'SETGID'];
      expect(learn({ processes: [setUid] }).profile.needs).to.deep.equal(needs);
      const became = { ...ROOT, pid: 9, ppid: 7 };
      expect(learn({ processes: [WORKER, became] }).profile.needs).to.deep.equal(needs);
    });
    it('hold escalation where root left a trace in a container that was not started as root', () => {
      const needs = ['allowPrivilegeEscalation', 'SETUID', 'SETGID'];
      const rootless = { startUid: 999, processes: [WORKER] };
      const written = [file('/run/value', { uid: 0 })];
      expect(learn({ ...rootless, written }).profile.needs).to.deep.equal(needs);
      expect(learn({ ...rootless, startUid: 0, written }).profile.needs).to.equal(undefined);
      const directories = [directory('/srv/data', { uid: 999 })];
      const mounts: Observation['mounts'] = [
        { path: '/srv/data', type: 'ext4', readOnly: false, of: 'author' },
      ];
      const container = {
        name: 'app',
        image: 'registry.example/shop/web:1',
        volumeMounts: [{ name: 'data', mountPath: '/srv/data' }],
      };
      const given = (more: object) => {
        const spec = { containers: [container], volumes: [{ name: 'data', emptyDir: {} }], ...more };
        const pod = { ...POD, spec } as unknown as PodObject;
        return learn({ ...rootless, written: [], directories, mounts }, pod).profile.needs;
      };
      expect(given({})).to.deep.equal([...needs, 'CHOWN']);
      // An init container may have done it.
      expect(given({ initContainers: [{ ...container, name: 'init' }] })).to.equal(undefined);
    });
    it('are not what a profile cannot give: a file capability beyond the default set', () => {
      const { profile, fields } = learn({ fileCapabilities: { '/usr/bin/program': ['NET_ADMIN'] } });
      expect(profile.needs).to.equal(undefined);
      expect(fields.find(({ field }) => field === 'needs')?.notes.join()).to.include('NET_ADMIN');
    });
  });

  it('lists a port that another container of the pod may hold in a note alone', () => {
    const { profile, fields } = learn({ listeners: [{ protocol: 'tcp', port: 443, uid: 0 }] });
    expect(profile.ports).to.equal(undefined);
    expect(fields.find(({ field }) => field === 'ports')?.notes.join()).to.include('443');
  });

  it('warns of memory above the default limit, where the container has none', () => {
    const memory = { peakBytes: 700 * 1024 ** 2, ownBytes: 600 * 1024 ** 2 };
    expect(learn({ memory }).warnings.join()).to.include('600 MiB').and.include('512Mi');
    expect(learn({ memory: { ...memory, limitBytes: 1024 ** 3 } }).warnings).to.deep.equal([]);
  });

  it('merges what replicas and several looks saw', () => {
    const one = observationOf({ written: [file('/run/a.pid')] });
    const other = observationOf({
      pod: 'web-1',
      at: '2026-01-01T00:11:00.000Z',
      written: [file('/var/cache/app/x')],
      directories: [directory('/var/cache/app')],
      listeners: [{ protocol: 'tcp', port: 443, uid: 0, isOurs: true }],
    });
    const { profile } = conclude([one, other], { pod: POD, container: 'app' });
    expect(profile.writablePaths).to.deep.equal(['/run', '/var/cache/app']);
    expect(profile.ports).to.deep.equal([80, 443]);
  });
});

describe('profileYaml', () => {
  it('lets no name of a file or process end a comment', () => {
    const learned = learn({
      processes: [{ ...WORKER, name: 'a\nneeds: [writableRoot]' }],
      written: [file('/run/x\u2028- y')],
    });
    const [profile] = parse(profileYaml(learned)) as [Record<string, unknown>];
    expect(profile).to.deep.equal(learned.profile);
    expect(profile['needs']).to.equal(undefined);
  });
});
