import { runIn, type Access, type Place } from './access.js';
import {
  CAPABILITIES_SCRIPT,
  DIRECTORIES_SCRIPT,
  FILES_SCRIPT,
  GUARDED_SCRIPT,
  STATE_SCRIPT,
} from './probeScripts.js';

/** Processes whose state is read; each costs one request. */
const MOST_PROCESSES = 40;

/**
 * Looks into a container without a shell by the programs that it has: cat for the kernel's files, find for its own. What the
 * scripts would print is put together here; what needs a shell is left out.
 * @returns undefined where it has no cat either
 */
export async function toolAccess(place: Place): Promise<Access | undefined> {
  const probe = await runIn(place, ['cat', '/proc/self/status']);
  if (probe?.exitCode !== 0) return undefined;
  return {
    way: 'execTools',
    text: 'exec, by programs of the image (cat, ls, find), for it has no shell',
    root: '',
    first: '',
    script: async (script, ...args) => {
      switch (script) {
        case STATE_SCRIPT:
          return state(place, probe.stdout, args[3] ?? '');
        case FILES_SCRIPT:
          return files(place, args);
        default:
          // Directories, guarded files and file capabilities each need a loop.
          return [DIRECTORIES_SCRIPT, GUARDED_SCRIPT, CAPABILITIES_SCRIPT].includes(script) ? '@ end\n' : '';
      }
    },
  };
}

async function state(place: Place, self: string, reference: string): Promise<string> {
  const cat = async (...paths: readonly string[]): Promise<string> =>
    (await runIn(place, ['cat', ...paths]))?.stdout ?? '';
  const section = async (head: string, ...paths: readonly string[]): Promise<string> =>
    `@ ${head}\n${await cat(...paths)}\n`;
  const proc = await runIn(place, ['ls', '/proc']);
  const pids = (proc?.stdout ?? '1').split(/\s+/).filter((name) => /^\d+$/.test(name));
  const parts = [
    `@ self 0\n${self}\n`,
    await section('selfcgroup', '/proc/self/cgroup'),
    await section('uptime', '/proc/uptime'),
    `@ now\n${(await runIn(place, ['date', '+%s.%N']))?.stdout ?? String(Date.now() / 1000)}\n`,
    `@ reference\n${(await runIn(place, ['stat', '-c', '%y', reference]))?.stdout ?? ''}\n`,
    await section('mountinfo', '/proc/self/mountinfo'),
  ];
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) parts.push(await section(table, `/proc/net/${table}`));
  for (const file of MEMORY_FILES) parts.push(await section(`memory ${file}`, `/sys/fs/cgroup/${file}`));
  for (const pid of pids.slice(0, MOST_PROCESSES)) {
    const status = await cat(`/proc/${pid}/status`, `/proc/${pid}/cgroup`, `/proc/${pid}/stat`);
    // That of the program which listed them has ended already.
    if (status === '') continue;
    parts.push(`@ process ${pid}\n${status}\n`);
    const places = ['exe', 'root', 'ns/user', 'fd'].map((name) => `/proc/${pid}/${name}`);
    const listed = await runIn(place, ['ls', '-ln', ...places]);
    const lines = (listed?.stdout ?? '').split('\n').filter((line) => LINK_OR_OPEN_FILE.test(line));
    parts.push(`@ files ${pid}\n${lines.join('\n')}\n`);
  }
  if (pids.length > MOST_PROCESSES) parts.push('@ processcut\n');
  return `${parts.join('')}@ end\n`;
}

/** Of either version of cgroups. */
const MEMORY_FILES = [
  'memory.peak',
  'memory.max',
  'memory.stat',
  'memory/memory.max_usage_in_bytes',
  'memory/memory.limit_in_bytes',
  'memory/memory.stat',
];

/** One of the process's own links; or what it has open for writing, and is no device; or a socket. */
const LINK_OR_OPEN_FILE = /\/(?:exe|root|ns\/user) -> |^l.w\S* .* -> (?!\/(?:dev|proc)\/)\/|-> socket:/;

async function files(place: Place, args: readonly string[]): Promise<string> {
  const [, start = '0', minutes = '1', reference = '', most = '0', ...directories] = args;
  const newer = await runIn(place, ['find', '/', '-maxdepth', '0', '-newerct', '@0']);
  if (newer === undefined) return '@ nofind\n@ end\n';
  const isGnu = newer.exitCode === 0;
  const lines: string[] = [];
  for (const directory of directories) {
    const walk = ['find', directory, '-xdev'];
    const command = isGnu
      ? [...walk, '-newerct', `@${start}`, '-printf', 'g %y %m %U %G %s %T@ %C@ %p\\n']
      : [...walk, ...(reference === '' ? ['-mmin', `-${minutes}`] : ['-newer', reference])];
    const found = (await runIn(place, command))?.stdout ?? '';
    lines.push(...found.split('\n').map((line) => (isGnu || line === '' ? line : `t ${line}`)));
  }
  const cut = lines.length > Number(most) ? '@ cut\n' : '';
  return `@ files\n${lines.slice(0, Number(most)).join('\n')}\n${cut}@ end\n`;
}
