import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../support/wait.js';
import { nodeCgroup } from './cgroups.js';

interface Held {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly folder: string;
}

/** What the kubelet would set, for the whole machine. */
const SYSCTLS = [
  ...['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'],
  ...['kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
];

/** Three nodes and their control planes end on two cores. */
const GONE_MS = 30_000;

const ENDS: Readonly<Record<string, (child: ChildProcess) => unknown>> = {
  'a stop': (child) => child.stdin?.write('\n'),
  SIGINT: (child) => child.kill('SIGINT'),
  // Nothing of the run itself is left to clean up: its watchdog does.
  SIGKILL: (child) => child.kill('SIGKILL'),
};

describe('the end of a run', function () {
  this.timeout(180_000);
  const held = new Map<string, Held>();
  const asItWas = machine();

  before(async () => {
    await Promise.all(Object.keys(ENDS).map(async (name) => held.set(name, await hold())));
  });
  after(() => {
    for (const { child, folder } of held.values()) {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const [name, end] of Object.entries(ENDS)) {
    it(`by ${name} leaves no process, no cgroup and no data of the node`, async () => {
      const { child, pid, folder } = held.get(name) ?? (await hold());
      const { folders } = nodeCgroup(`kube-harden-e2e-${pid}`);
      expect(folders.filter((path) => existsSync(path))).to.deep.equal(folders);
      // containerd, kubelet, a shim, the pod's two processes, and the control plane's three.
      expect(processesOf(pid, folder)).to.have.length.above(7);
      const exited = once(child, 'exit');
      end(child);
      await exited;
      await eventually('all processes gone', () => processesOf(pid, folder).length === 0, GONE_MS);
      await eventually('all cgroups gone', () => !folders.some((path) => existsSync(path)), GONE_MS);
      await eventually('the data gone', () => !existsSync(join(folder, 'node')), GONE_MS);
    });
  }

  it('leaves the mounts, the network and the settings of the machine as they were', () => {
    expect(machine()).to.deep.equal(asItWas);
  });
});

/** What the machine's first process sees: these tests have namespaces of their own. */
function machine(): Readonly<Record<string, string>> {
  const files = ['/proc/1/mountinfo', ...SYSCTLS.map((name) => `/proc/sys/${name}`)];
  const links = readFileSync('/proc/1/net/dev', 'utf8').replaceAll(/:.*$/gm, '');
  return { links, ...Object.fromEntries(files.map((path) => [path, readFileSync(path, 'utf8')])) };
}

async function hold(): Promise<Held> {
  const enter = ['--mount', '--net', '--uts', '--ipc', 'sh', join(import.meta.dirname, 'enter.sh')];
  const script = [process.execPath, '--import', 'tsx/esm', join(import.meta.dirname, 'holdNode.ts')];
  const child = spawn('unshare', [...enter, ...script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  for await (const line of createInterface(child.stdout)) {
    return { child, ...(JSON.parse(line) as { pid: number; folder: string }) };
  }
  throw new Error(`it ended before its node was ready: ${said}`);
}

/** The ids of processes of a run: by its folder in their command line, or by their cgroup. */
function processesOf(pid: number, folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => {
      try {
        return (
          readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(folder) ||
          readFileSync(`/proc/${id}/cgroup`, 'utf8').includes(`/kube-harden-e2e-${pid}/`)
        );
      } catch {
        return false; // gone while we looked
      }
    })
    .map(Number);
}
