import { expect } from 'chai';
import { execInPod, type ExecRequest, type ExecResult } from '../../src/cluster/execInPod.js';
import { ExecServer } from '../learn/support/execServer.js';

const REQUEST: ExecRequest = {
  namespace: 'shop',
  pod: 'web-0',
  container: 'app',
  command: ['sh', '-c', 'echo a b'],
  timeoutMs: 5000,
  maxBytes: 100_000,
};

async function failure(running: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await running;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it did not fail');
}

describe('execInPod', () => {
  let server: ExecServer;
  beforeEach(async () => {
    server = await ExecServer.start();
  });
  afterEach(() => server.stop());

  const run = (
    request: Partial<ExecRequest> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ExecResult> => execInPod(server.connect(headers).exec, { ...REQUEST, ...request });

  it('runs a command word by word, with the headers of an impersonation, and gives its output and exit code', async () => {
    server.run = () => ({ stdout: 'a b\n', stderr: 'c\n', exitCode: 3 });
    expect(await run({}, { 'Impersonate-User': 'jane' })).to.deep.equal({
      stdout: 'a b\n',
      stderr: 'c\n',
      exitCode: 3,
      cut: false,
    });
    const [exec] = server.execs;
    expect(exec).to.deep.include({ container: 'app', command: REQUEST.command });
    expect(exec?.headers).to.deep.include({
      authorization: 'Bearer a-token',
      'impersonate-user': 'jane',
      'user-agent': 'kube-harden',
    });
  });

  it('keeps no more than asked for, and then waits no longer', async () => {
    server.run = () => ({ stdout: Buffer.alloc(1_000_000, 'a') });
    const result = await run({ maxBytes: 1000 });
    expect(result.stdout).to.have.lengthOf(1000);
    expect(result).to.deep.include({ cut: true, exitCode: undefined });
  });

  it('hands on output as it comes', async () => {
    server.run = () => ({ stdout: Buffer.alloc(100_000, 'a') });
    let length = 0;
    await run({ onOutput: (bytes) => (length += bytes.length) });
    expect(length).to.equal(100_000);
  });

  it('gives the API server’s own words where it refuses', async () => {
    server.run = () => ({
      status: 403,
      message: 'pods "web-0" is forbidden: User "jane" cannot get resource "pods/exec"',
    });
    expect(await failure(run())).to.deep.include({
      code: 'ApiError',
      status: 403,
      message: 'pods "web-0" is forbidden: User "jane" cannot get resource "pods/exec"',
    });
  });

  const ENDS = [
    {
      what: 'a program that is not there',
      failure: 'OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown',
      reason: 'NotFound',
    },
    { what: 'a container that does not run', failure: 'container not found ("app")', reason: 'Failed' },
  ];
  for (const { what, failure: said, reason } of ENDS) {
    it(`tells ${what} by the words of who could not run it`, async () => {
      server.run = () => ({ failure: said });
      const error = await failure(run());
      expect(error).to.deep.include({ code: 'Exec', reason });
      expect(error.message).to.include(said);
    });
  }

  it('does not hang: not beyond its time, not after an end without a word, not after an interruption', async () => {
    server.run = () => 'hangs';
    expect(await failure(run({ timeoutMs: 200 }))).to.deep.include({ code: 'Exec', reason: 'Timeout' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('interrupted')), 50);
    expect((await failure(run({ signal: controller.signal }))).message).to.equal('interrupted');
    server.run = () => 'closes';
    expect(await failure(run())).to.deep.include({ code: 'Exec', reason: 'Failed' });
  });

  it('gives the system’s error where there is no server', async () => {
    const connection = server.connect();
    await server.stop();
    expect(await failure(execInPod(connection.exec, REQUEST))).to.deep.include({ code: 'ECONNREFUSED' });
    server = await ExecServer.start();
  });
});
