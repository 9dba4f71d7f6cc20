import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../src/cli/commandError.js';
import { profileCommand, runProfile, type ProfileOptions } from '../../src/cli/profile.js';
import { loadPolicies } from '../../src/policy/load.js';
import { buildImage, layoutTar, refer, type TestImage } from '../images/support/imageArchive.js';
import {
  capability,
  capable,
  directory,
  file,
  hardlink,
  program,
  symlink,
  type Member,
} from '../images/support/tar.js';
import { TestRegistry } from '../images/support/testRegistry.js';
import { authority, temporaryFolder } from '../system/support/certificates.js';

const folder = temporaryFolder();
let count = 0;

function archive(image: TestImage, name?: string): string {
  const path = join(folder, `${String((count += 1))}.tar`);
  writeFileSync(path, layoutTar(buildImage(image), name === undefined ? {} : { name }));
  return path;
}

interface Printed {
  readonly profile: Record<string, unknown>;
  readonly fields: readonly {
    field: string;
    values: readonly { value: unknown; because: string }[];
    notes: readonly string[];
  }[];
}

/** The profile, after its YAML has loaded as part of a policy to the same. */
async function printed(image: TestImage, options: ProfileOptions = {}): Promise<Printed> {
  const path = archive(image);
  const json = JSON.parse(await runProfile(path, { ...options, output: 'json' })) as Printed;
  const yaml = await runProfile(path, options);
  const [policy] = loadPolicies(
    `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: x}\nspec:\n  imageProfiles:\n${yaml.replaceAll(/^/gm, '  ')}`,
  );
  expect(policy?.imageProfiles).to.deep.equal([json.profile]);
  return json;
}

async function failure(image: string, options: ProfileOptions = {}): Promise<string> {
  const error: unknown = await runProfile(image, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(CommandError);
  expect((error as CommandError).exitCode).to.equal(2);
  expect((error as CommandError).lines).to.have.length(1);
  return (error as CommandError).message;
}

const notesOf = ({ fields }: Printed, wanted: string): readonly string[] =>
  fields.find(({ field }) => field === wanted)?.notes ?? [];

const USERS = [
  file('etc/passwd', 'root:x:0:0::/:\n_apt:x:42:65534::/:\nweb:x:101:102::/:\ndb:x:999:999::/:\n'),
  file('etc/group', 'root:x:0:\nweb:x:102:\ndb:x:999:\n'),
];
const withUsers = (...members: Member[]): Member[][] => [[...USERS, ...members]];

describe('kube-harden profile', () => {
  it('prints each value with its evidence', async () => {
    const path = archive(
      {
        config: {
          User: 'web',
          Entrypoint: ['/usr/bin/server'],
          ExposedPorts: { '443/tcp': {}, '80/tcp': {}, '8080/tcp': {} },
          Volumes: { '/srv/data': {} },
        },
        layers: withUsers(
          directory('srv/data', 0o750, 101, 102),
          directory('var/cache/web', 0o755, 101, 102),
          directory('var/cache/web/below', 0o755, 101, 102),
          directory('home/web', 0o755, 101, 102),
          directory('var/tmp', 0o1777),
          program('usr/bin/su', 0o4755),
          capable('usr/bin/server', capability([10])),
        ),
      },
      'registry.example/shop/web:1.2',
    );
    const text = await runProfile(path);
    expect(text.replaceAll(folder, '').replace(/sha256:\w{64}/, 'sha256:...')).to.equal(
      [
        '# An entry of spec.imageProfiles in a HardeningPolicy. Values follow from the image; comments say',
        '# from what, and what it does not tell. With a profile an image counts as known: unknownImages: Safe',
        '# no longer spares it, so complete the profile first.',
        '# The image read is for linux/amd64,',
        '# sha256:....',
        '- images:',
        '    - registry.example/shop/web # read from /1.tar',
        "  runAsUser: 101 # USER web: 101 in the image's /etc/passwd",
        "  runAsGroup: 102 # the group of web in the image's /etc/passwd",
        '  # writablePaths: what the program writes cannot be known from its image. Its user may write to these',
        '  #   directories, and so perhaps does:',
        '  #     /var/cache/web (web:web 0755)',
        '  #   Anybody may write to:',
        '  #     /var/tmp (root:root 1777)',
        '  dataPaths:',
        '    - /srv/data # VOLUME, web:web 0750 in the image',
        '  ports:',
        '    - 80 # EXPOSE 80/tcp',
        '    - 443 # EXPOSE 443/tcp',
        '  # set-uid and set-gid programs: none but the usual ones of a login: /usr/bin/su.',
        '  # Under allowPrivilegeEscalation: false they run without that. If the program depends on one, add',
        '  # allowPrivilegeEscalation to needs.',
        '  needs:',
        "    - NET_BIND_SERVICE # a file capability of /usr/bin/server, which the image's command line names",
        '',
      ].join('\n'),
    );
  });

  describe('user', () => {
    it('is not claimed for an image that starts as root; candidates are named by what they own', async () => {
      const result = await printed({
        config: { Entrypoint: ['docker-entrypoint.sh'], Cmd: ['db'], Volumes: { '/var/lib/db': {} } },
        layers: withUsers(
          directory('var/lib/db', 0o700, 999),
          directory('run/db', 0o3777, 999),
          directory('var/cache/apt/archives/partial', 0o700, 42),
          directory('opt/own', 0o755, 5000),
        ),
      });
      expect(result.profile).to.deep.equal({
        images: ['registry.example/shop/web'],
        dataPaths: ['/var/lib/db'],
      });
      expect(notesOf(result, 'runAsUser')).to.deep.equal([
        "not known: the image has no USER, so it starts as root, and the user that `docker-entrypoint.sh db` becomes cannot be seen from outside. Without runAsUser the policy's uid is used: fill it in before you use this profile.",
        'Candidates:',
        '  999:999 db, owns VOLUME /var/lib/db, /run/db',
        '  5000 (not in /etc/passwd), owns /opt/own',
        '  101:102 web',
      ]);
      expect(notesOf(result, 'startsAsRoot')[0]).to.match(/^not known: .*CHOWN, SETUID and SETGID are usual/);
    });
    it('is that of the topmost /etc/passwd', async () => {
      const result = await printed({
        config: { User: 'web' },
        layers: [USERS, [file('etc/passwd', 'web:x:7:8::/:\n')]],
      });
      expect(result.profile).to.include({ runAsUser: 7, runAsGroup: 8 });
    });
    it('is found where /etc/passwd is a link', async () => {
      const result = await printed({
        config: { User: 'web' },
        layers: [[file('nix/store/x/etc/passwd', 'web:x:7:7::/:\n'), symlink('etc', '/nix/store/x/etc')]],
      });
      expect(result.profile).to.deep.equal({ images: ['registry.example/shop/web'], runAsUser: 7 });
    });
    it('has no group 0, which a profile cannot say', async () => {
      const result = await printed({
        config: { User: '1001' },
        layers: withUsers(directory('opt/app', 0o775)),
      });
      expect(result.profile).to.deep.equal({ images: ['registry.example/shop/web'], runAsUser: 1001 });
      expect(notesOf(result, 'runAsGroup')[0]).to.match(
        /^runAsGroup: the image runs with gid 0 \(USER 1001 names no group/,
      );
      expect(notesOf(result, 'writablePaths')).to.include('  /opt/app (root:root 0775)');
    });
    it('is not known where the image has no such name', async () => {
      const result = await printed({ config: { User: 'gone' }, layers: withUsers() });
      expect(notesOf(result, 'runAsUser')[0]).to.match(
        /^not known: USER gone is not in the image's \/etc\/passwd: no container/,
      );
    });
  });

  describe('needs', () => {
    const needs = async (config: object, ...members: Member[]): Promise<Printed> =>
      printed({ config: { User: '1:1', ...config }, layers: [[symlink('bin', 'usr/bin'), ...members]] });
    const server = capable('usr/bin/server', capability([10]));
    for (const [title, config, ...more] of [
      ['by its path', { Entrypoint: ['/usr/bin/server'] }],
      [
        'on the PATH of the image',
        { Cmd: ['srv'], Env: ['PATH=/opt/bin:/bin'] },
        symlink('opt/bin/srv', '../../bin/server'),
      ],
      ['on the usual PATH', { Cmd: ['server'] }],
      [
        'as what another program starts',
        { Entrypoint: ['tini', '--'], Cmd: ['server', 'run'] },
        program('usr/bin/tini'),
      ],
      ['in a shell command', { Entrypoint: ['/bin/sh', '-c', 'umask 2; exec server run'] }],
      ['below the working directory', { Cmd: ['./server'], WorkingDir: '/usr/bin' }],
      ['by a hard link', { Cmd: ['/other'] }, hardlink('other', 'usr/bin/server')],
    ] as [string, object, ...Member[]][]) {
      it(`has the capability of a program that the command line names ${title}`, async () => {
        expect((await needs(config, server, ...more)).profile['needs']).to.deep.equal(['NET_BIND_SERVICE']);
      });
    }
    it('has none of a program that it does not name, and says so', async () => {
      const result = await needs({ Cmd: ['other'] }, capable('usr/bin/ping', capability([13])));
      expect(result.profile).to.not.have.property('needs');
      expect(notesOf(result, 'needs')).to.deep.equal([
        "/usr/bin/ping carries NET_RAW as file capabilities, and is not named in the image's command line. If the program starts it, that is needed too.",
      ]);
    });
    it('has none beyond what containers have by default, and says so', async () => {
      const result = await needs(
        { Cmd: ['vault'] },
        capable('usr/bin/vault', capability([14], { effective: true })),
      );
      expect(result.profile).to.not.have.property('needs');
      expect(notesOf(result, 'needs')[0]).to.match(
        /carries IPC_LOCK: the kernel does not start it without that\. That is more/,
      );
      const lazy = await needs(
        { Cmd: ['vault'] },
        capable('usr/bin/vault', capability([14], { effective: false })),
      );
      expect(notesOf(lazy, 'needs')[0]).to.match(/it starts without, and may miss that/);
    });
    it('does not claim allowPrivilegeEscalation for set-uid programs, and names those of the command line', async () => {
      const result = await needs(
        { Cmd: ['sudo', 'server'] },
        program('usr/bin/sudo', 0o4755),
        program('usr/bin/wall', 0o2755),
      );
      expect(result.profile).to.not.have.property('needs');
      expect(notesOf(result, 'needs')).to.deep.equal([
        'set-uid and set-gid programs:',
        "  /usr/bin/sudo (4755), which the image's command line names",
        'And the usual ones of a login: /usr/bin/wall.',
        'Under allowPrivilegeEscalation: false they run without that. If the program depends on one, add allowPrivilegeEscalation to needs.',
      ]);
    });
  });

  it('has ports below 1024 only, once each, ranges too', async () => {
    const ExposedPorts = {
      '53/udp': {},
      '53/tcp': {},
      '8080/tcp': {},
      '1020-1030/tcp': {},
      '70': {},
      'x/tcp': {},
      '0/tcp': {},
    };
    expect((await printed({ config: { User: '1:1', ExposedPorts } })).profile['ports']).to.deep.equal([
      53, 70, 1020, 1021, 1022, 1023,
    ]);
  });

  it('cleans VOLUMEs, and says of those that no profile can hold', async () => {
    const Volumes = {
      '/data/': {},
      '//data': {},
      'relative/x': {},
      '/': {},
      '/a:b': {},
      [`/${'x'.repeat(600)}`]: {},
    };
    const result = await printed({ config: { User: '1:1', Volumes } });
    expect(result.profile['dataPaths']).to.deep.equal(['/data', '/relative/x']);
    expect(notesOf(result, 'dataPaths').map((note) => note.slice(0, 12))).to.deep.equal([
      'VOLUME / can',
      'VOLUME /a:b ',
      'VOLUME /xxxx',
    ]);
  });

  it('names as many VOLUMEs as a profile can hold, and says which are left out', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `/data${String(at).padStart(2, '0')}`);
    const Volumes = Object.fromEntries(names.map((name) => [name, {}]));
    const result = await printed({ config: { User: '1:1', Volumes } });
    expect(result.profile['dataPaths']).to.deep.equal(names.slice(0, 16));
    expect(notesOf(result, 'dataPaths').map((note) => note.slice(0, 14))).to.deep.equal(
      names.slice(16).map((name) => `VOLUME ${name}`),
    );
  });

  it('keeps names that would end a comment, or be read otherwise, in their line', async () => {
    const evil = '/x\n- images [*]\u202e';
    const result = await printed({
      config: {
        User: '1:1',
        Volumes: { [evil]: {}, '/a # b': {}, '/1e3': {}, '/😀': {} },
        Entrypoint: ['a\nb'],
      },
      layers: [[program('usr/bin/a\n  needs: [writableRoot]', 0o4755)]],
    });
    expect(result.profile['dataPaths']).to.deep.equal(['/1e3', '/a # b', evil, '/😀'].sort());
  });

  it('names the tag where it is asked to', async () => {
    const path = archive({ config: { User: '1:1' } }, 'registry.example/shop/web:1.2');
    expect(await runProfile(path, { tag: true })).to.match(/- registry\.example\/shop\/web:1\.2 # /);
    expect(await runProfile(path, { tag: true, name: `web@sha256:${'1'.repeat(64)}` })).to.match(
      /- docker\.io\/library\/web@sha256:1{64} # /,
    );
    expect(await runProfile(path, { tag: true, name: 'web' })).to.match(
      /- docker\.io\/library\/web:latest # /,
    );
  });

  it('reads no layer with --config-only, and says what is not known for that', async () => {
    const result = await printed(
      { config: { User: 'web', Volumes: { '/data': {} } }, layers: withUsers() },
      { configOnly: true },
    );
    expect(result.profile).to.deep.equal({ images: ['registry.example/shop/web'], dataPaths: ['/data'] });
    expect(notesOf(result, 'runAsUser')).to.deep.equal([
      "not known: USER web is a name, and the image's /etc/passwd was not read (--config-only).",
      'Candidates are in the layers (--config-only).',
    ]);
    const numbered = await printed({ config: { User: '101' } }, { configOnly: true });
    expect(numbered.profile['runAsUser']).to.equal(101);
    expect(notesOf(numbered, 'runAsGroup')).to.deep.equal([
      'runAsGroup: not known, for /etc/passwd was not read (--config-only).',
    ]);
  });

  it('reads an image of a registry, with its flags, and prints it', async () => {
    const registry = await TestRegistry.start({ tls: true });
    try {
      const image = buildImage({ config: { User: '101:101' } });
      registry.push('hub/shop/web', image, '1');
      const certificates = join(folder, 'ca.crt');
      writeFileSync(certificates, authority.cert);
      let stdout = '';
      const command = profileCommand({ stdout: (text) => void (stdout += text), stderr: () => undefined });
      const words = ['registry.example/shop/web:1', '--mirror', `registry.example=${registry.host}/hub`];
      await command.parseAsync(
        [...words, '--certificate-authority', certificates, '-o', 'json', '--platform', 'linux/amd64'],
        { from: 'user' },
      );
      expect((JSON.parse(stdout) as Printed).profile).to.deep.equal({
        images: ['registry.example/shop/web'],
        runAsUser: 101,
      });
      const insecure = await runProfile(`${registry.host}/hub/shop/web:1`, {
        insecure: [registry.host.toUpperCase()],
      });
      expect(insecure).to.match(/runAsUser: 101 # USER 101:101\n/);
    } finally {
      registry.stop();
    }
  });

  describe('refuses in one line, with 2,', () => {
    const layout = join(folder, 'layout');
    mkdirSync(layout);
    for (const [title, image, options, message] of [
      [
        'a file that is not there',
        '/nowhere/image.tar',
        {},
        '/nowhere/image.tar: no such file; check the path',
      ],
      [
        'a path that is too long to be looked at',
        `/${'x'.repeat(300)}.tar`,
        {},
        `/${'x'.repeat(300)}.tar: ENAMETOOLONG: name too long, stat '/${'x'.repeat(300)}.tar'`,
      ],
      [
        'a folder',
        layout,
        {},
        `${layout} is a folder; of an OCI image layout make an archive: tar -C ${layout} -cf image.tar .`,
      ],
      [
        'what is no image',
        'NOT AN IMAGE',
        {},
        '"NOT AN IMAGE" is no image such as registry.example/shop/web:1.2',
      ],
      [
        'a platform that is none',
        'web',
        { platform: 'linux' },
        '"linux" is no platform such as linux/amd64 or linux/arm/v7',
      ],
      [
        'a mirror that is none',
        'web',
        { mirror: ['x'] },
        '--mirror "x" is not of the form REGISTRY=HOST, such as docker.io=mirror.example',
      ],
      [
        'a name for an image that has one',
        'web',
        { name: 'x' },
        '--name is for an archive; an image of a registry has its own',
      ],
      [
        'certificates that are not there',
        'web',
        { certificateAuthority: '/nowhere' },
        '--certificate-authority: /nowhere: no such file or folder; check the path',
      ],
      [
        'certificates that are none',
        'web',
        { certificateAuthority: '/dev/null' },
        '--certificate-authority: /dev/null: holds no certificate (PEM)',
      ],
    ] as const) {
      it(title, async () =>
        expect(await failure(image, options)).to.match(
          new RegExp(`^${message.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`),
        ),
      );
    }
    for (const [flag, options] of [
      ['--mirror', { mirror: ['docker.io=mirror.example'] }],
      ['--insecure', { insecure: ['mirror.example'] }],
      ['--certificate-authority', { certificateAuthority: '/nowhere' }],
    ] as const) {
      it(`${flag} with an archive`, async () => {
        const path = archive({ config: { User: '1:1' } });
        expect(await failure(path, options)).to.equal(
          `${flag} is for an image of a registry; ${path} is an archive`,
        );
      });
    }

    it('an archive whose names would write on the terminal', async () => {
      const image = buildImage();
      const path = join(folder, 'names.tar');
      const manifests = ['a\n\u001b[2J', 'b'].map((name) => ({
        ...refer(image.manifest),
        annotations: { 'io.containerd.image.name': name },
      }));
      writeFileSync(path, layoutTar(image, { manifests }));
      expect(await failure(path)).to.equal(
        `${path} holds 2 images (a\\u000a\\u001b[2J, b): choose with --name`,
      );
    });
    it('a file that is no image', async () => {
      const text = join(folder, 'text');
      writeFileSync(text, 'hello\n');
      expect(await failure(text)).to.equal(`${text} is not a tar archive`);
    });
  });
});
