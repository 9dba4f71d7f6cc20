import type { ApiObject } from '../cluster/apiClient.js';
import type { ImageProfile, Plan } from '../hardening/plan.js';
import type { PodSpec } from '../hardening/podSpec.js';

/*
 * What learn sees of a container, and what follows from it. observe.ts looks (`observe`), conclude.ts concludes
 * (`conclude`), learnedYaml.ts writes (`profileYaml`). Everything here is plain data, which JSON can hold.
 */

/** A Pod as the API has it. */
export type PodObject = ApiObject & {
  readonly spec: PodSpec;
  readonly status?: Readonly<Record<string, unknown>>;
};

/** One container of a running pod. */
export interface LearnTarget {
  readonly pod: PodObject;
  /** The name of one of its containers (init containers with `restartPolicy: Always` included). */
  readonly container: string;
}

export interface ObserveOptions {
  /** For containers in which nothing can be run: a shell, find, stat and cat (busybox will do). Unset: not tried. */
  readonly debugImage?: string | undefined;
  /** Of the whole look at the container, and how long a debug container lives; {@link OBSERVE_TIMEOUT_MS} unless given. */
  readonly timeoutMs?: number | undefined;
  /** Ends what is under way (Ctrl-C). */
  readonly signal?: AbortSignal | undefined;
}

/**
 * How the container was looked into.
 *
 * - `exec`: a script in the container's own shell
 * - `execTools`: single programs of the image (cat, ls, find), where it has no shell
 * - `ephemeral`: a script in a debug container beside it, which sees its processes and its files through /proc
 */
export type Way = 'exec' | 'execTools' | 'ephemeral';

/** Real, effective, saved, and that by which files are opened. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly fs: number;
}

/** Sets of capabilities by name, without `CAP_`. */
export interface CapabilitySets {
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
  readonly ambient: readonly string[];
}

/** One process of the container. Its arguments and environment are never read: they may hold secrets. */
export interface ObservedProcess {
  /** In the process namespace that was looked at. */
  readonly pid: number;
  readonly ppid: number;
  /** The kernel's name for it, at most 15 characters. */
  readonly name: string;
  /** Its program's file; undefined where that cannot be read (it runs as another user than the probe). */
  readonly exe?: string | undefined;
  /** Mode bits of that file, where they could be read. */
  readonly exeMode?: number | undefined;
  /** Owner of that file. */
  readonly exeUid?: number | undefined;
  readonly uid: Ids;
  readonly gid: Ids;
  readonly groups: readonly number[];
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  /** 0: none, 1: strict, 2: a filter. */
  readonly seccomp: number;
  /** It is in another user namespace than the container's first process: a sandbox of its own. */
  readonly ownUserNamespace: boolean;
  /** Its root directory, where it is not the container's: it has changed it. */
  readonly root?: string | undefined;
  /** It did not come from the container's first process: kubectl exec, or a probe of the kubelet's. */
  readonly isFromOutside: boolean;
}

export type FileKind = 'file' | 'directory' | 'link' | 'socket' | 'fifo' | 'device';

/** A file that was made or changed since the container began, outside its mounts and in the image's own VOLUMEs. */
export interface WrittenFile {
  /** As the container sees it. */
  readonly path: string;
  readonly kind: FileKind;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** In bytes; 0 where it is not known. */
  readonly size: number;
  /** When its content changed last, in seconds since the epoch; 0 where it is not known. */
  readonly modified: number;
  /**
   * Why it counts. `newer`: it was made or changed since the container began. `open`: a process has it open for writing; it
   * may be deleted already. `owner`: only its owner or mode changed, not what it holds.
   */
  readonly how: 'newer' | 'open' | 'owner';
  /** The process that has it open; undefined unless it is `open`. */
  readonly process?: string | undefined;
}

/** What a directory holds: `empty` is a directory in which no file is, at any depth. */
export interface DirectoryEntry {
  readonly name: string;
  readonly kind: 'file' | 'link' | 'directory' | 'empty';
}

/** A directory: of a written file, of a mount, and of those above them. */
export interface DirectoryState {
  readonly path: string;
  /** -1 where it is not known. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** All that stands in it, or the first of them. */
  readonly entries: readonly DirectoryEntry[];
}

/**
 * A directory that others may not enter, or a file that its owner may read and nobody write (0400), near the root of a volume.
 * Some programs insist on that, and fsGroup opens it to a group.
 */
export interface GuardedPath {
  readonly path: string;
  readonly kind: FileKind;
  readonly uid: number;
  readonly mode: number;
}

/** A mount of the container, as /proc/self/mountinfo has it. */
export interface ObservedMount {
  readonly path: string;
  /** The file system's type: overlay, tmpfs, ext4. */
  readonly type: string;
  readonly readOnly: boolean;
  /**
   * Who asked for it. `author`: a volumeMount of the pod. `image`: a VOLUME of the image, which the runtime made.
   * `system`: the runtime's and the kubelet's own (/proc, /sys, /dev, /etc/hosts). `root`: the image's file system.
   */
  readonly of: 'root' | 'author' | 'image' | 'system';
}

/** A port on which something in the pod listens. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** The owner of the socket. */
  readonly uid: number;
  /** A process of this container holds it; undefined where that cannot be told from another container's. */
  readonly isOurs?: boolean | undefined;
}

export interface MemoryState {
  /** The most that it used since it began, caches of files included. */
  readonly peakBytes?: number | undefined;
  /** What its processes use now of their own, which cannot be reclaimed. */
  readonly ownBytes?: number | undefined;
  /** Undefined where it has none. */
  readonly limitBytes?: number | undefined;
}

/** A container, looked at once. */
export interface Observation {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** As the pod names it. */
  readonly image: string;
  readonly way: Way;
  /** What was run there and in what, in one sentence for people. */
  readonly wayText: string;
  /** When it was looked at, ISO 8601. */
  readonly at: string;
  /** Seconds since the container began, at that time. */
  readonly ageSeconds: number;
  /** As whom the container's first process was started, where that could be seen. */
  readonly startUid?: number | undefined;
  /** The bounding set with which it was started, where that could be seen. */
  readonly startBounding?: readonly string[] | undefined;
  readonly processes: readonly ObservedProcess[];
  readonly written: readonly WrittenFile[];
  /** There was more than what `written` holds. */
  readonly writtenCut: boolean;
  readonly directories: readonly DirectoryState[];
  /** What in the pod's and the image's volumes is for its owner alone. */
  readonly guarded: readonly GuardedPath[];
  readonly mounts: readonly ObservedMount[];
  readonly listeners: readonly Listener[];
  /** File capabilities of running programs, by path; a program that is not in it could not be read. */
  readonly fileCapabilities: Readonly<Record<string, readonly string[]>>;
  readonly memory: MemoryState;
  /** What could not be seen, a sentence each. */
  readonly missing: readonly string[];
}

/** What decides, beside what was seen. */
export interface LearnContext {
  readonly pod: PodObject;
  readonly container: string;
  /** The namespace's; without it the values of the built-in policy `default` are taken. */
  readonly plan?: Plan | undefined;
}

/** A value of the profile, and what was seen that says so. */
export interface LearnedValue {
  readonly value: string | number;
  readonly because: string;
}

/** A field of the profile; without values where only the notes are worth knowing. */
export interface LearnedField {
  /** `startsAsRoot.capabilities` and `startsAsRoot.volumes` are two fields here. */
  readonly field:
    | 'images'
    | 'runAsUser'
    | 'runAsGroup'
    | 'writablePaths'
    | 'dataPaths'
    | 'sizeLimit'
    | 'ports'
    | 'startsAsRoot.capabilities'
    | 'startsAsRoot.volumes'
    | 'needs';
  readonly values: readonly LearnedValue[];
  /** Each a sentence. */
  readonly notes: readonly string[];
}

export interface LearnedProfile {
  /** As it goes into `spec.imageProfiles` of a HardeningPolicy. */
  readonly profile: ImageProfile;
  readonly fields: readonly LearnedField[];
  /** What a person has to know before the profile is used, a sentence each: data that an emptyDir would lose, say. */
  readonly warnings: readonly string[];
  /** Which ways led to it, a sentence each. */
  readonly ways: readonly string[];
  /** What could not be seen, a sentence each. */
  readonly missing: readonly string[];
}

/** A shell walks a large image within seconds; a loaded node takes longer. */
export const OBSERVE_TIMEOUT_MS = 60_000;
