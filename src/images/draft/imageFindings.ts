import type { ImageConfig } from '../imageConfig.js';
import type { FoundFile, ImageFiles } from '../imageFiles.js';
import { UserDatabase } from '../userDatabase.js';
import { commandFiles } from './commandFiles.js';

/** A file that a profile may have to do with. */
export interface Finding extends FoundFile {
  /** The image's command line names it. */
  readonly isCommand: boolean;
}

/** What the layers show. */
export interface ImageFindings {
  readonly files: ImageFiles;
  readonly users: UserDatabase;
  /** Programs with file capabilities. */
  readonly capable: readonly Finding[];
  /** Programs with the set-uid or set-gid bit. */
  readonly setId: readonly Finding[];
  /** Directories that somebody but root may write to. */
  readonly directories: readonly FoundFile[];
}

const SET_ID = 0o6000;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** Where every image has such files: volumes and file systems of the kernel, and homes. */
const LEFT_OUT = ['/tmp', '/home', '/proc', '/sys', '/dev'];

/** Directories of every Debian image that no service is known to need: those of apt and man, and of device locks. */
const OF_THE_BASE = ['/var/cache/man', '/var/cache/apt', '/var/lib/apt', '/run/lock'];

export function findIn(files: ImageFiles, config: ImageConfig, volumes: readonly string[]): ImageFindings {
  const commands = commandFiles(config, files);
  const leftOut = [
    ...LEFT_OUT,
    ...OF_THE_BASE,
    ...volumes.map((volume) => files.find(volume)?.path ?? volume),
  ];
  const capable: Finding[] = [];
  const setId: Finding[] = [];
  const directories: FoundFile[] = [];
  for (const { path, file } of files.all()) {
    if (file.kind === 'file') {
      const finding = { path, file, isCommand: commands.has(path) };
      if (file.capability) capable.push(finding);
      if ((file.mode & SET_ID) !== 0) setId.push(finding);
    } else if (file.kind === 'directory' && isSomebodys(file) && !isBelow(path, leftOut)) {
      directories.push({ path, file });
    }
  }
  const text = (path: string): string => files.find(path)?.file.text ?? '';
  const users = UserDatabase.parse(text('/etc/passwd'), text('/etc/group'));
  return { files, users, capable, setId, directories };
}

function isSomebodys({ uid, gid, mode }: FoundFile['file']): boolean {
  return uid !== 0 || gid !== 0 || (mode & GROUP_OR_OTHERS_WRITE) !== 0;
}

/** At one of the directories, or below it. */
export function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`));
}

/** Those that are in none of the others. The directories come with parents first, as the walk gives them. */
export function topmost(directories: readonly FoundFile[]): FoundFile[] {
  const kept: FoundFile[] = [];
  for (const directory of directories) {
    const last = kept.at(-1);
    if (last === undefined || !isBelow(directory.path, [last.path])) kept.push(directory);
  }
  return kept;
}

/** `nginx:nginx 0755` */
export function ownerText({ uid, gid, mode }: FoundFile['file'], users: UserDatabase): string {
  return `${users.ownerText(uid, gid)} ${mode.toString(8).padStart(4, '0')}`;
}
