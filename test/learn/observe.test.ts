import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import type { PodObject } from '../../src/learn/observation.js';
import { observe } from '../../src/learn/observe.js';
import type { ObserveError } from '../../src/learn/observeError.js';
import { ExecServer, type Ran, type SeenExec } from './support/execServer.js';

const NOT_FOUND: Ran = { failure: 'exec: "sh": executable file not found in $PATH: unknown' };

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/learn/${name}.txt`, import.meta.url), 'utf8');
}

function podOf(spec: object = {}, status: object = {}): PodObject {
  return {
    metadata: { name: 'web-0', namespace: 'shop' },
    spec: { containers: [{ name: 'app', image: 'registry.example/shop/web:1' }], ...spec },
    status,
  } as unknown as PodObject;
}

async function failure(running: Promise<unknown>): Promise<ObserveError> {
  try {
    await running;
  } catch (error) {
    return error as ObserveError;
  }
  throw new Error('it did not fail');
}

/** A shell in which the scripts print what they printed on a real node. */
function shell({ command }: SeenExec): Ran {
  const script = command[2] ?? '';
  if (script.includes('@ selfcgroup')) return { stdout: fixture('mariadb.state') };
  if (script.includes('-newerct')) return { stdout: fixture('tomcat.files') };
  return { stdout: '@ self 9\n@ end\n' };
}

describe('observe', () => {
  let server: ExecServer;
  beforeEach(async () => {
    server = await ExecServer.start();
  });
  afterEach(() => server.stop());

  const look = (pod: PodObject = podOf(), options: Parameters<typeof observe>[2] = {}) =>
    observe(server.connect(), { pod, container: 'app' }, { timeoutMs: 10_000, ...options });

  it('looks by the container’s own shell where it has one', async () => {
    server.run = shell;
    const seen = await look();
    expect(seen).to.deep.include({
      way: 'exec',
      pod: 'web-0',
      container: 'app',
      startUid: 0,
      missing: seen.missing,
    });
    expect(seen.processes.map(({ uid }) => uid.effective)).to.deep.equal([999]);
    expect(seen.written.map(({ path }) => path)).to.include('/usr/local/tomcat/logs/catalina.2026-11-26.log');
    expect(server.execs.every(({ command }) => command[0] === 'sh')).to.equal(true);
  });

  it('looks by single programs where there is no shell, and says what it could not see', async () => {
    const state = fixture('mariadb.state');
    const status = /@ process 1\n([\s\S]*?)@ files/.exec(state)?.[1] ?? '';
    server.run = ({ command: [program, ...args] }) => {
      if (program === 'ls' && args[0] === '/proc') return { stdout: '1\n7\nself\nuptime\n' };
      if (program !== 'cat') return NOT_FOUND;
      if (args[0] === '/proc/1/status') return { stdout: status };
      if (args[0] === '/proc/uptime') return { stdout: '1000.00 900.00\n' };
      if (args[0] === '/proc/self/status')
        return { stdout: 'Name:\tcat\nUid:\t0\t0\t0\t0\nCapBnd:\t00000000a80425fb\n' };
      const cgroup = (status.match(/^\d+:\S*$/gm) ?? []).join('\n');
      if (args[0] === '/proc/self/cgroup') return { stdout: `${cgroup}\n` };
      return { stdout: '', exitCode: 1 };
    };
    const seen = await look();
    expect(seen.way).to.equal('execTools');
    expect(seen.processes.map(({ uid }) => uid.effective)).to.deep.equal([999]);
    expect(seen.missing.join()).to.include('the image has no find');
  });

  it('asks for --debug-image where the container has nothing to look with', async () => {
    server.run = () => NOT_FOUND;
    expect((await failure(look())).message).to.include('neither a shell nor cat: give --debug-image');
  });

  const REFUSALS: readonly { what: string; pod?: PodObject; run: () => Ran; said: string }[] = [
    {
      what: 'the right to run something is missing',
      run: () => ({
        status: 403,
        message: 'pods "web-0" is forbidden: User "jane" cannot get resource "pods/exec"',
      }),
      said: 'User "jane" cannot get resource "pods/exec" (learn needs get and create on pods/exec)',
    },
    {
      what: 'the pod has gone',
      run: () => ({ status: 404, message: 'pods "web-0" not found' }),
      said: 'it has gone meanwhile',
    },
    {
      what: 'its node does not answer',
      run: () => ({ status: 500, message: 'error dialing backend: dial tcp 10.0.0.9:10250: i/o timeout' }),
      said: 'error dialing backend',
    },
    {
      what: 'the container does not run',
      run: () => ({ failure: 'container not found ("app")' }),
      said: 'container not found',
    },
    { what: 'the connection breaks', run: () => 'closes', said: 'was closed before it ended' },
    {
      what: 'it is a Windows pod, of which nothing is asked',
      pod: podOf({ os: { name: 'windows' } }),
      run: () => 'hangs',
      said: 'is a Windows pod',
    },
    {
      what: 'there is no such container',
      pod: podOf({ containers: [] }),
      run: () => 'hangs',
      said: 'has no container "app"',
    },
  ];
  for (const { what, pod, run, said } of REFUSALS) {
    it(`says in one line that ${what}`, async () => {
      server.run = run;
      const error = await failure(look(pod));
      expect(error).to.have.property('code', 'Observe');
      expect(error.message).to.include(said).and.not.to.include('\n');
      expect(error.message).to.include('web-0');
    });
  }

  it('does not hang, and ends in the container what it no longer waits for', async () => {
    server.run = ({ command: [, , script = ''] }) => {
      if (script === ':') return { stdout: '' };
      if (script.startsWith('kill')) return { stdout: '' };
      return { stdout: `@ self 4711\n${'x'.repeat(9 * 1024 * 1024)}` };
    };
    await failure(look());
    expect(server.execs.at(-1)?.command).to.deep.equal(['sh', '-c', 'kill -9 -4711']);
    server.run = ({ command: [, , script = ''] }) => (script === ':' ? { stdout: '' } : 'hangs');
    expect((await failure(look(podOf(), { timeoutMs: 500 }))).message).to.include('did not end within');
  });

  describe('beside a container that has nothing to look with', () => {
    const beside = ({ container, command }: SeenExec): Ran => {
      if (container === 'app') return NOT_FOUND;
      const script = command[2] ?? '';
      if (script.includes('@ selfcgroup')) return { stdout: fixture('shared.state') };
      return { stdout: '@ self 9\n@ end\n' };
    };
    const status = {
      containerStatuses: [
        {
          name: 'app',
          containerID: 'containerd://7a34246c8a69ce928c7ba16eebb1ca1e0d129f4592a42c60495ec9ea16de84f8',
        },
      ],
    };
    let state: object;
    let added: Record<string, unknown>[];
    let refuse: (container: Record<string, unknown>) => string | undefined;
    beforeEach(() => {
      state = { running: {} };
      added = [];
      refuse = () => undefined;
      server.run = beside;
      server.answer = (method, path, body) => {
        if (method === 'PATCH' && path.endsWith('/pods/web-0/ephemeralcontainers')) {
          const patch = JSON.parse(body) as { spec: { ephemeralContainers: Record<string, unknown>[] } };
          const [container = {}] = patch.spec.ephemeralContainers;
          const message = refuse(container);
          if (message !== undefined) return { status: 403, body: { message, reason: 'Forbidden' } };
          added.push(container);
        }
        const ephemeralContainerStatuses = added.map(({ name }) => ({ name, state }));
        return {
          status: 200,
          body: {
            ...podOf(),
            spec: { ephemeralContainers: added },
            status: { ...status, ephemeralContainerStatuses },
          },
        };
      };
    });
    const debugImage = 'registry.example/busybox:1';

    it('adds one debug container that shares its processes, may look at them, and ends by itself', async () => {
      const seen = await look(podOf({}, status), { debugImage });
      expect(seen.way).to.equal('ephemeral');
      expect(seen.wayText).to.include('as root with SYS_PTRACE').and.include('ends by itself within 10 s');
      expect(seen.processes.map(({ name }) => name)).to.deep.equal(['keeper']);
      expect(seen.startUid).to.equal(undefined);
      expect(added).to.have.lengthOf(1);
      expect(added[0]).to.deep.include({
        image: debugImage,
        targetContainerName: 'app',
        command: ['sleep', '10'],
      });
      expect(added[0]?.['securityContext']).to.deep.include({
        runAsUser: 0,
        capabilities: { drop: ['ALL'], add: ['SYS_PTRACE', 'DAC_READ_SEARCH'] },
      });
      const roots = server.execs
        .filter(({ container }) => container !== 'app')
        .map(({ command }) => command[4]);
      expect(roots).to.include('/proc/7/root');
    });

    it('takes the one that runs already for a further look', async () => {
      await look(podOf({}, status), { debugImage });
      await look(podOf({}, status), { debugImage });
      expect(added).to.have.lengthOf(1);
    });

    it('is the container’s own user where the namespace allows no root, if the pod names that', async () => {
      refuse = ({ securityContext }) =>
        (securityContext as { runAsUser: number }).runAsUser === 0
          ? 'violates PodSecurity "baseline:latest"'
          : undefined;
      const seen = await look(podOf({ securityContext: { runAsUser: 1000 } }, status), { debugImage });
      expect(seen.wayText).to.include("as uid 1000, the container's own");
    });

    it('says why there is none: not allowed, no image, not in time', async () => {
      refuse = () => 'User "jane" cannot patch resource "pods/ephemeralcontainers"';
      expect((await failure(look(podOf({}, status), { debugImage }))).message).to.include(
        'needs patch on pods/ephemeralcontainers',
      );
      refuse = () => undefined;
      state = { waiting: { reason: 'ErrImagePull', message: 'not found' } };
      expect((await failure(look(podOf({}, status), { debugImage }))).message).to.include(
        `cannot start from ${debugImage}: not found`,
      );
      state = { terminated: { reason: 'Error', exitCode: 127 } };
      expect((await failure(look(podOf({}, status), { debugImage }))).message).to.include('ended at once');
      state = {};
      expect((await failure(look(podOf({}, status), { debugImage, timeoutMs: 800 }))).message).to.include(
        'did not start in time',
      );
    });
  });
});
