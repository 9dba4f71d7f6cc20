import type { Container } from '../hardening/podSpec.js';
import { cleanPath, lastingMounts } from '../hardening/volumes.js';
import type {
  DirectoryState,
  GuardedPath,
  LearnContext,
  Listener,
  MemoryState,
  Observation,
  ObservedProcess,
  PodObject,
  WrittenFile,
} from './observation.js';

/** What several looks at a container, or at its replicas, saw together. */
export class Seen {
  /** Those of the program: what came from outside (kubectl exec, probes) is not its own. */
  readonly processes: readonly ObservedProcess[];
  /** By path; what was seen last. */
  readonly written: readonly WrittenFile[];
  readonly lowPorts: readonly Listener[];
  readonly startUids: readonly number[];
  readonly startBounding: readonly string[] | undefined;
  /** Where the pod mounts something writable. */
  readonly authorMounts: readonly string[];
  /** All mounts of the pod, and those of the runtime. */
  readonly foreignMounts: readonly string[];
  /** VOLUMEs of the image, which the runtime has mounted. */
  readonly imageVolumes: readonly string[];
  /** Of the author's mounts those that outlive the pod. */
  readonly lastingMounts: readonly string[];
  /** Where it has an emptyDir that no other container mounts: the kubelet makes it root's, and nobody else changes that. */
  readonly ownEmptyDirs: readonly string[];
  readonly guarded: readonly GuardedPath[];
  readonly fileCapabilities: ReadonlyMap<string, readonly string[]>;
  readonly memory: MemoryState;
  private readonly directories: ReadonlyMap<string, DirectoryState>;
  private readonly writtenPaths: ReadonlySet<string>;

  constructor(observations: readonly Observation[], { pod, container }: LearnContext) {
    const byTime = [...observations].sort((one, other) => one.at.localeCompare(other.at));
    const processes = byTime.flatMap((observation) =>
      observation.processes.map((process): [string, ObservedProcess] => [
        `${observation.pod} ${process.pid} ${process.name} ${process.uid.effective}`,
        process,
      ]),
    );
    this.processes = [...new Map(processes).values()].filter(({ isFromOutside }) => !isFromOutside);
    const written = new Map<string, WrittenFile>();
    for (const file of byTime.flatMap((observation) => observation.written)) {
      // What was written stays written, whatever happened to its owner later.
      if (file.how !== 'owner' || !written.has(file.path)) written.set(file.path, file);
    }
    this.written = [...written.values()].sort((one, other) => one.path.localeCompare(other.path));
    this.writtenPaths = new Set(this.written.filter(({ how }) => how !== 'owner').map(({ path }) => path));
    this.directories = new Map(
      byTime.flatMap((observation) =>
        observation.directories.map((state): [string, DirectoryState] => [state.path, state]),
      ),
    );
    const ports = byTime.flatMap((observation) => observation.listeners);
    this.lowPorts = [
      ...new Map(ports.map((listener) => [`${listener.port} ${listener.isOurs}`, listener])).values(),
    ];
    const [last] = byTime.slice(-1);
    this.startUids = [
      ...new Set(byTime.flatMap(({ startUid }) => (startUid === undefined ? [] : [startUid]))),
    ];
    this.startBounding = byTime.find(({ startBounding }) => startBounding !== undefined)?.startBounding;
    const mounts = byTime.flatMap((observation) => observation.mounts);
    const placesOf = (...of: readonly string[]): string[] => [
      ...new Set(mounts.filter((mount) => of.includes(mount.of)).map(({ path }) => path)),
    ];
    this.foreignMounts = placesOf('author', 'system');
    this.imageVolumes = placesOf('image');
    this.authorMounts = [
      ...new Set(mounts.filter(({ of, readOnly }) => of === 'author' && !readOnly).map(({ path }) => path)),
    ];
    const spec = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].find(
      ({ name }) => name === container,
    );
    const named = (name: string | undefined) =>
      (pod.spec.volumes ?? []).find((volume) => volume.name === name);
    this.lastingMounts = spec === undefined ? [] : lastingMounts(spec, named);
    this.ownEmptyDirs = spec === undefined ? [] : ownEmptyDirs(pod, spec);
    this.guarded = byTime.flatMap(({ guarded }) => guarded);
    this.fileCapabilities = new Map(
      byTime.flatMap(({ fileCapabilities }) => Object.entries(fileCapabilities)),
    );
    this.memory = {
      peakBytes: most(byTime.map(({ memory }) => memory.peakBytes)),
      ownBytes: most(byTime.map(({ memory }) => memory.ownBytes)),
      limitBytes: last?.memory.limitBytes,
    };
  }

  directory(path: string): DirectoryState | undefined {
    return this.directories.get(path);
  }

  /** It was made or changed since the container began. */
  isWritten(path: string): boolean {
    return this.writtenPaths.has(path);
  }
}

function ownEmptyDirs({ spec }: PodObject, container: Container): string[] {
  const others = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(
    ({ name }) => name !== container.name,
  );
  const isShared = (volume: string | undefined): boolean =>
    others.some(({ volumeMounts }) => (volumeMounts ?? []).some(({ name }) => name === volume));
  const isEmptyDir = (volume: string | undefined): boolean =>
    (spec.volumes ?? []).some(({ name, emptyDir }) => name === volume && emptyDir != null);
  return (container.volumeMounts ?? [])
    .filter(({ name }) => isEmptyDir(name) && !isShared(name))
    .map(({ mountPath = '' }) => cleanPath(mountPath));
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
