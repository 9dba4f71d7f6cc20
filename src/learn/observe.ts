import type { KubeApiClient } from '../cluster/apiClient.js';
import type { ExecConnection } from '../cluster/execInPod.js';
import { capabilitiesOf } from '../images/fileCapability.js';
import { isRecord } from '../hardening/locate.js';
import type { Container } from '../hardening/podSpec.js';
import { isAtOrBelow } from '../hardening/volumes.js';
import { isWindowsPod } from '../hardening/windows.js';
import { runIn, shellAccess, type Access, type Place } from './access.js';
import { debugContainer } from './debugContainer.js';
import {
  OBSERVE_TIMEOUT_MS,
  type GuardedPath,
  type LearnTarget,
  type Observation,
  type ObserveOptions,
  type ObservedMount,
  type WrittenFile,
} from './observation.js';
import { ObserveError } from './observeError.js';
import {
  CAPABILITIES_SCRIPT,
  DIRECTORIES_SCRIPT,
  FILES_SCRIPT,
  GUARDED_SCRIPT,
  STATE_SCRIPT,
} from './probeScripts.js';
import { readFileCapabilities } from './readFileCapabilities.js';
import { ROUNDING_SECONDS, fileOf, parentOf, readDirectories, writtenFiles } from './readFiles.js';
import { readProcesses, type ProcessScope, type SeenProcess } from './readProcesses.js';
import { isWhole, readListeners, readMemory, readMounts, readTools, startTime } from './readState.js';
import { linesOf, sectionsOf, type Section } from './sections.js';
import { toolAccess } from './toolAccess.js';

/** What a connection to a cluster is asked with: requests, and programs that are run in a container. */
export interface ObserveConnection {
  readonly api: KubeApiClient;
  readonly exec: ExecConnection;
}

/** A program with more processes has alike ones; a program that writes more files writes them side by side. */
const MOST_PROCESSES = 300;
const MOST_FILES = 2000;
const MOST_DIRECTORIES = 120;
const MOST_ENTRIES = 60;
const MOST_GUARDED = 40;

/** Where the kubelet puts what a container says at its end; it makes the file right before the container. */
const TERMINATION_LOG = '/dev/termination-log';

/**
 * Looks at a running container once. Nothing is written into it, and what is run there ends by itself.
 *
 * @throws ObserveError where it cannot be looked at; UnreachableError or the system's error where the API server is not reached
 */
export async function observe(
  connection: ObserveConnection,
  target: LearnTarget,
  options: ObserveOptions = {},
): Promise<Observation> {
  const { pod, container: name } = target;
  const { namespace = '', name: podName = '' } = pod.metadata ?? {};
  const container = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].find(
    (each) => each.name === name,
  );
  if (container === undefined)
    throw new ObserveError(`pod ${namespace}/${podName} has no container "${name}"`);
  if (isWindowsPod(pod.spec))
    throw new ObserveError(
      `pod ${namespace}/${podName} is a Windows pod: an image profile is for Linux containers`,
    );

  const timeoutMs = options.timeoutMs ?? OBSERVE_TIMEOUT_MS;
  const deadline = Date.now() + timeoutMs;
  const place: Place = {
    connection: connection.exec,
    namespace,
    pod: podName,
    container: name,
    deadline,
    signal: options.signal,
  };
  const access = await findAccess(connection, target, place, options);
  const look = new Look(access, target, container);
  return look.take();
}

/** Exec by the container's own shell; else a debug container, if there is an image for it; else exec by single programs. */
async function findAccess(
  { api }: ObserveConnection,
  { pod, container }: LearnTarget,
  place: Place,
  options: ObserveOptions,
): Promise<Access> {
  const shell = await runIn(place, ['sh', '-c', ':']);
  if (shell?.exitCode === 0)
    return shellAccess(place, {
      way: 'exec',
      text: 'exec, by the shell of the container',
      root: '',
      first: '',
    });
  const tools = await toolAccess(place);
  const hasFind = tools !== undefined && (await runIn(place, ['find', '/', '-maxdepth', '0'])) !== undefined;
  if (tools !== undefined && (hasFind || options.debugImage === undefined)) return tools;
  if (options.debugImage === undefined)
    throw new ObserveError(
      `container "${container}" of pod ${place.namespace}/${place.pod} has neither a shell nor cat: give --debug-image, an image with sh, find and stat, such as busybox`,
    );
  const lifetimeSeconds = Math.ceil((options.timeoutMs ?? OBSERVE_TIMEOUT_MS) / 1000);
  const debug = await debugContainer(api, pod, {
    image: options.debugImage,
    target: container,
    lifetimeSeconds,
    deadline: place.deadline,
    signal: options.signal,
  });
  const text = `the ephemeral container ${debug.name} (${debug.image}) ${debug.user}, for the container has no shell; it ends by itself within ${lifetimeSeconds} s`;
  const beside = { ...place, container: debug.name };
  const root = shellAccess(beside, { way: 'ephemeral', text, root: '/proc/1/root', first: '1' });
  const first = await firstProcess(root, containerId(pod, container));
  return first === 1
    ? root
    : shellAccess(beside, { way: 'ephemeral', text, root: `/proc/${first}/root`, first: String(first) });
}

/** Where the pod shares its process namespace, the container's first process is not the namespace's. */
async function firstProcess(access: Access, id: string): Promise<number> {
  const sections = sectionsOf(
    await access.script(STATE_SCRIPT, '', '1', String(MOST_PROCESSES), TERMINATION_LOG),
  );
  return readProcesses(sections, { containerId: id, isInside: false })[0]?.pid ?? 1;
}

/** As the runtime names it, without the runtime's own name (`containerd://`); empty where the pod's status does not say. */
function containerId({ status }: LearnTarget['pod'], container: string): string {
  const lists = [status?.['containerStatuses'], status?.['initContainerStatuses']];
  const statuses: unknown[] = lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  const found = statuses.find((each) => isRecord(each) && each['name'] === container);
  const id = isRecord(found) ? found['containerID'] : undefined;
  return typeof id === 'string' ? id.replace(/^.*:\/\//, '') : '';
}

/** One look at a container, by whatever way. */
class Look {
  private readonly missing: string[] = [];

  constructor(
    private readonly access: Access,
    private readonly target: LearnTarget,
    private readonly container: Container,
  ) {}

  async take(): Promise<Observation> {
    const { access, target, container } = this;
    const { pod } = target;
    const reference = container.terminationMessagePath ?? TERMINATION_LOG;
    const referencePath = typeof reference === 'string' ? reference : TERMINATION_LOG;
    const state = await this.run(
      STATE_SCRIPT,
      access.root,
      access.first,
      String(MOST_PROCESSES),
      referencePath,
    );
    const isInside = access.way !== 'ephemeral';
    const scope: ProcessScope = { containerId: containerId(pod, target.container), isInside };
    const processes = readProcesses(state, scope);
    const [first] = processes;
    if (first === undefined)
      throw new ObserveError(
        `no process of container "${target.container}" of pod ${pod.metadata?.name ?? ''} can be seen (${access.text})`,
      );
    const { startSeconds, ageSeconds } = startTime(state, first);
    const mounts = readMounts(state, container, referencePath);
    const files = await this.files(mounts, startSeconds, ageSeconds, referencePath);
    const open = openFiles(processes, mounts);
    const written = [
      ...files.written,
      ...open.filter(({ path }) => !files.written.some((each) => each.path === path)),
    ];
    const directories = await this.directories(written, mounts);
    this.whatIsMissing(state, processes);
    const listeners = readListeners(state, processes, this.isAlone());
    const fileCapabilities = await this.fileCapabilities(processes, readTools(state));
    return {
      namespace: pod.metadata?.namespace ?? '',
      pod: pod.metadata?.name ?? '',
      container: target.container,
      image: container.image ?? '',
      way: access.way,
      wayText: access.text,
      at: new Date().toISOString(),
      ageSeconds: Math.round(ageSeconds),
      ...(isInside && { startUid: startUidOf(state), startBounding: startBoundingOf(state) }),
      processes: processes.map(
        ({ startTicks: _, openFiles: __, sockets: ___, isOpen: ____, ...process }) => process,
      ),
      written,
      writtenCut: files.isCut,
      directories,
      guarded: await this.guarded(mounts),
      mounts,
      listeners,
      fileCapabilities,
      memory: readMemory(state),
      missing: this.missing,
    };
  }

  private async run(script: string, ...args: readonly string[]): Promise<Section[]> {
    const sections = sectionsOf(await this.access.script(script, ...args));
    if (!isWhole(sections)) this.missing.push('What was run in the container did not come to its end.');
    return sections;
  }

  private async files(
    mounts: readonly ObservedMount[],
    startSeconds: number,
    ageSeconds: number,
    reference: string,
  ): Promise<{ written: readonly WrittenFile[]; isCut: boolean }> {
    const volumes = mounts.filter(({ of, readOnly }) => of === 'image' && !readOnly).map(({ path }) => path);
    const sections = await this.run(
      FILES_SCRIPT,
      this.access.root,
      String(Math.floor(startSeconds - ROUNDING_SECONDS)),
      String(Math.ceil(ageSeconds / 60) + 1),
      reference,
      String(MOST_FILES),
      ...['/', ...volumes],
    );
    const has = (name: string): boolean => sections.some((section) => section.name === name);
    if (has('nofind') || has('noreference'))
      this.missing.push('What it wrote outside its mounts could not be seen: the image has no find.');
    const points = mounts.filter(({ of }) => of !== 'root').map(({ path }) => path);
    const { written, isCut } = writtenFiles(sections, this.access.root, startSeconds, points);
    if (isCut) this.missing.push(`It wrote more than the ${MOST_FILES} files that were looked at.`);
    return { written, isCut };
  }

  /** Of what was written, of all above it, and of the mounts. */
  private async directories(
    written: readonly WrittenFile[],
    mounts: readonly ObservedMount[],
  ): Promise<Observation['directories']> {
    const wanted = new Set<string>();
    for (const { path, kind } of written) {
      let at = kind === 'directory' ? path : parentOf(path);
      while (at !== '/' && !wanted.has(at)) {
        wanted.add(at);
        at = parentOf(at);
      }
    }
    const points = volumesOf(mounts);
    // Those near the root decide; a cache's thousands of folders do not.
    const paths = [...new Set([...points, ...[...wanted].sort(byDepth)])].slice(0, MOST_DIRECTORIES);
    if (paths.length === 0) return [];
    return readDirectories(
      await this.run(DIRECTORIES_SCRIPT, this.access.root, String(MOST_ENTRIES), ...paths),
    );
  }

  private async guarded(mounts: readonly ObservedMount[]): Promise<GuardedPath[]> {
    const paths = volumesOf(mounts);
    if (paths.length === 0) return [];
    const { root } = this.access;
    const sections = await this.run(GUARDED_SCRIPT, root, String(MOST_GUARDED), ...paths);
    return linesOf(sections, 'files')
      .flatMap((line) => fileOf(line, root) ?? [])
      .map(({ path, kind, uid, mode }) => ({ path, kind, uid, mode }));
  }

  private async fileCapabilities(
    processes: readonly SeenProcess[],
    tools: ReadonlySet<string>,
  ): Promise<Observation['fileCapabilities']> {
    const programs = [...new Set(processes.flatMap(({ exe }) => (exe === undefined ? [] : [exe])))];
    const canRead = tools.has('getcap') || tools.has('getfattr') || tools.has('tar');
    if (programs.length === 0 || !canRead) return {};
    return readFileCapabilities(await this.run(CAPABILITIES_SCRIPT, this.access.root, ...programs));
  }

  private whatIsMissing(state: readonly Section[], processes: readonly SeenProcess[]): void {
    const closed = processes.filter(({ isOpen }) => !isOpen);
    if (closed.length > 0) {
      const names = [...new Set(closed.map(({ name }) => name))].slice(0, 5).join(', ');
      this.missing.push(
        `Which files ${names} has open: the kernel shows that only to the process's own user, or with SYS_PTRACE. What it wrote was found by the times of the files.`,
      );
    }
    if (state.some(({ name }) => name === 'processcut'))
      this.missing.push(`It has more than the ${MOST_PROCESSES} processes that were looked at.`);
  }

  /** The pod has no other container that could hold a port. */
  private isAlone(): boolean {
    const { spec } = this.target.pod;
    const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
    return (spec.containers ?? []).length + sidecars.length === 1 && spec.hostNetwork !== true;
  }
}

/** Writable mounts that are the pod's or the image's. */
function volumesOf(mounts: readonly ObservedMount[]): string[] {
  return mounts
    .filter(({ of, readOnly }) => (of === 'author' || of === 'image') && !readOnly)
    .map(({ path }) => path);
}

function byDepth(one: string, other: string): number {
  return one.split('/').length - other.split('/').length || one.localeCompare(other);
}

/** Exec runs as whom the container was started as. */
function startUidOf(state: readonly Section[]): number | undefined {
  const line = linesOf(state, 'self').find((text) => text.startsWith('Uid:'));
  const uid = line?.split(/\s+/)[1];
  return uid === undefined ? undefined : Number(uid);
}

function startBoundingOf(state: readonly Section[]): readonly string[] | undefined {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(linesOf(state, 'self').join('\n'))?.[1];
  return mask === undefined ? undefined : capabilitiesOf(BigInt(`0x${mask}`));
}

/** Open for writing, outside the mounts that are not the image's own; deleted files too, which no walk finds. */
function openFiles(processes: readonly SeenProcess[], mounts: readonly ObservedMount[]): WrittenFile[] {
  const foreign = mounts.filter(({ of }) => of === 'author' || of === 'system').map(({ path }) => path);
  const found = new Map<string, WrittenFile>();
  for (const { openFiles: files, name, uid, gid } of processes) {
    for (const path of files) {
      if (found.has(path) || foreign.some((mount) => isAtOrBelow(path, mount)) || isNoFile(path)) continue;
      const owner = { uid: uid.effective, gid: gid.effective };
      found.set(path, {
        ...{ path, kind: 'file', ...owner, mode: 0o644, size: 0, modified: 0, how: 'open', process: name },
      });
    }
  }
  return [...found.values()];
}

/** What the kernel shows with a path and has none: shared memory, and files that only a handle names. */
function isNoFile(path: string): boolean {
  return /^\/(?:memfd:|SYSV[0-9a-f]|anon_hugepage|\[)/.test(path);
}
