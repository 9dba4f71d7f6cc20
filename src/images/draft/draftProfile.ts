import { posix } from 'node:path';
import { DEFAULT_CAPABILITIES } from '../../hardening/capabilityNames.js';
import type { ImageProfile } from '../../hardening/plan.js';
import { MAX_PATHS, isNameable } from '../../hardening/profileBounds.js';
import { ImageFiles, type FoundFile } from '../imageFiles.js';
import type { ImageReference } from '../imageReference.js';
import type { OpenedImage } from '../openedImage.js';
import { candidateUsers } from './candidateUsers.js';
import { findIn, ownerText, topmost, type Finding, type ImageFindings } from './imageFindings.js';
import { imageUser, type ImageUser } from './imageUser.js';

/** A value of the profile, and what in the image says so. */
export interface DraftValue {
  readonly value: string | number;
  readonly because: string;
}

/** A field of the profile; without values where an image does not tell, and only the notes are worth knowing. */
export interface DraftField {
  readonly field:
    | 'images'
    | 'runAsUser'
    | 'runAsGroup'
    | 'writablePaths'
    | 'dataPaths'
    | 'ports'
    | 'startsAsRoot'
    | 'needs';
  readonly values: readonly DraftValue[];
  /** Each a sentence or an item of a list (two blanks before it). */
  readonly notes: readonly string[];
}

export interface ProfileDraft {
  /** As it goes into `spec.imageProfiles` of a HardeningPolicy. */
  readonly profile: ImageProfile;
  readonly fields: readonly DraftField[];
}

export interface DraftOptions {
  /** The profile is for this tag or digest only, not for the repository. */
  readonly forTag?: boolean | undefined;
  /** The layers are left alone. */
  readonly configOnly?: boolean | undefined;
}

/**
 * The profile that follows from an image.
 * @throws ImageError where a layer cannot be read
 */
export async function draftProfile(
  image: OpenedImage,
  { forTag = false, configOnly = false }: DraftOptions = {},
): Promise<ProfileDraft> {
  const volumes = [...new Set(image.config.volumes.map((volume) => posix.resolve('/', volume)))].sort();
  const findings = configOnly
    ? undefined
    : findIn(ImageFiles.of(await image.readLayers()), image.config, volumes);
  const user = imageUser(image.config.user, findings?.users);
  const fields = [
    imagesField(image, forTag),
    ...userFields(user, image, volumes, findings),
    writableField(user, findings),
    dataField(volumes, findings),
    portsField(image),
    startsAsRootField(user),
    needsField(findings),
  ].filter(({ values, notes }) => values.length > 0 || notes.length > 0);
  return { profile: profileOf(fields), fields };
}

function profileOf(fields: readonly DraftField[]): ImageProfile {
  const lists = fields.flatMap(({ field, values }) => {
    if (values.length === 0) return [];
    const isNumber = field === 'runAsUser' || field === 'runAsGroup';
    return [[field, isNumber ? values[0]?.value : values.map(({ value }) => value)]];
  });
  // The fields are those of the type by name; a test loads what comes out as a policy.
  return Object.fromEntries(lists) as ImageProfile;
}

function imagesField({ reference, source, config, digest }: OpenedImage, forTag: boolean): DraftField {
  const { os, architecture, variant } = config.platform;
  const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
  return {
    field: 'images',
    values: [{ value: forTag ? versioned(reference) : reference.repository, because: `read from ${source}` }],
    notes: [`The image read is for ${platform}, ${digest}.`],
  };
}

function versioned({ repository, tag, digest }: ImageReference): string {
  if (tag !== undefined) return `${repository}:${tag}`;
  return digest === undefined ? `${repository}:latest` : `${repository}@${digest}`;
}

function userFields(
  user: ImageUser,
  image: OpenedImage,
  volumes: readonly string[],
  findings: ImageFindings | undefined,
): DraftField[] {
  if (user.kind === 'user') {
    const { uid, gid, because, gidBecause } = user;
    const isOther = gid !== undefined && gid !== 0 && gid !== uid;
    const notes =
      gid === 0
        ? [
            `runAsGroup: the image runs with gid 0 (${gidBecause}). A profile cannot say that: its processes get gid ${uid}, and lose what only root's group may write.`,
          ]
        : gid === undefined
          ? ['runAsGroup: not known, for /etc/passwd was not read (--config-only).']
          : [];
    return [
      { field: 'runAsUser', values: [{ value: uid, because }], notes: [] },
      { field: 'runAsGroup', values: isOther ? [{ value: gid, because: gidBecause }] : [], notes },
    ];
  }
  const command = [...image.config.entrypoint, ...image.config.cmd].join(' ');
  const opening =
    user.kind === 'root'
      ? `not known: ${user.because}, and the user that ${command === '' ? 'it' : `\`${shortened(command)}\``} becomes cannot be seen from outside. Without runAsUser the policy's uid is used: fill it in before you use this profile.`
      : `not known: ${user.because}.`;
  return [{ field: 'runAsUser', values: [], notes: [opening, ...candidateUsers(volumes, findings)] }];
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function writableField(user: ImageUser, findings: ImageFindings | undefined): DraftField {
  const unknown = 'what the program writes cannot be known from its image.';
  if (!findings) return { field: 'writablePaths', values: [], notes: [unknown] };
  const { directories, users } = findings;
  const own = user.kind === 'user' ? directories.filter(({ file }) => mayWrite(file, user)) : [];
  const everybodys = topmost(directories.filter(({ file }) => (file.mode & 0o002) !== 0));
  const shownAs = ({ path, file }: FoundFile): string => `  ${path} (${ownerText(file, users)})`;
  return {
    field: 'writablePaths',
    values: [],
    notes: [
      own.length === 0 ? unknown : `${unknown} Its user may write to these directories, and so perhaps does:`,
      ...few(topmost(own).map(shownAs)),
      ...(everybodys.length === 0 ? [] : ['Anybody may write to:', ...few(everybodys.map(shownAs))]),
    ],
  };
}

function mayWrite(file: FoundFile['file'], { uid, gid }: Extract<ImageUser, { kind: 'user' }>): boolean {
  if ((file.mode & 0o002) !== 0) return false;
  return (file.uid === uid && (file.mode & 0o200) !== 0) || (file.gid === gid && (file.mode & 0o020) !== 0);
}

/** A list that stays readable. */
function few(items: readonly string[]): string[] {
  const MAX = 20;
  return items.length <= MAX ? [...items] : [...items.slice(0, MAX), `  and ${items.length - MAX} more`];
}

function dataField(volumes: readonly string[], findings: ImageFindings | undefined): DraftField {
  const usable = volumes.filter(isNameable).slice(0, MAX_PATHS);
  const others = volumes.filter((volume) => !usable.includes(volume));
  return {
    field: 'dataPaths',
    values: usable.map((value) => ({ value, because: `VOLUME${volumeState(value, findings)}` })),
    notes: few(others.map((volume) => `VOLUME ${shortened(volume)} cannot be written into a profile.`)),
  };
}

function volumeState(volume: string, findings: ImageFindings | undefined): string {
  if (!findings) return '';
  const found = findings.files.find(volume);
  return found ? `, ${ownerText(found.file, findings.users)} in the image` : ', not in the image';
}

const FIRST_UNPRIVILEGED_PORT = 1024;

function portsField({ config }: OpenedImage): DraftField {
  const ports = new Map<number, string>();
  for (const exposed of config.exposedPorts) {
    const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/\w+)?$/.exec(exposed) ?? [];
    const end = Math.min(Number(last || first), FIRST_UNPRIVILEGED_PORT - 1);
    for (let port = Math.max(Number(first), 1); first !== '' && port <= end; port++) {
      if (!ports.has(port)) ports.set(port, `EXPOSE ${exposed}`);
    }
  }
  const values = [...ports].sort(([a], [b]) => a - b).map(([value, because]) => ({ value, because }));
  return { field: 'ports', values, notes: [] };
}

function startsAsRootField(user: ImageUser): DraftField {
  const notes =
    user.kind === 'root'
      ? [
          'not known: what its entrypoint needs where it has to start as root. CHOWN, SETUID and SETGID are usual, and DAC_OVERRIDE where it keeps data.',
        ]
      : [];
  return { field: 'startsAsRoot', values: [], notes };
}

function needsField(findings: ImageFindings | undefined): DraftField {
  if (!findings) {
    const notes = ['not known: file capabilities and set-uid programs are in the layers (--config-only).'];
    return { field: 'needs', values: [], notes };
  }
  const values = new Map<string, string>();
  const notes: string[] = [];
  for (const { path, file, isCommand } of findings.capable) {
    const { permitted = [], effective = false } = file.capability ?? {};
    const list = permitted.join(', ');
    if (!isCommand) {
      notes.push(
        `${path} carries ${list} as file capabilities, and is not named in the image's command line. If the program starts it, that is needed too.`,
      );
      continue;
    }
    for (const name of permitted.filter((one) => DEFAULT_CAPABILITIES.includes(one))) {
      if (!values.has(name))
        values.set(name, `a file capability of ${path}, which the image's command line names`);
    }
    const more = permitted.filter((one) => !DEFAULT_CAPABILITIES.includes(one));
    if (more.length > 0) notes.push(beyondProfile(path, more, effective));
  }
  return {
    field: 'needs',
    values: [...values].map(([value, because]) => ({ value, because })),
    notes: [...few(notes), ...setIdNotes(findings.setId)],
  };
}

function beyondProfile(path: string, names: readonly string[], effective: boolean): string {
  const without = effective
    ? 'the kernel does not start it without that'
    : 'it starts without, and may miss that';
  return `${path}, which the image's command line names, carries ${names.join(', ')}: ${without}. That is more than a profile gives: the pod itself has to add it.`;
}

/**
 * What people log in and change passwords with, in every image of a distribution (Debian: passwd, login, mount, util-linux,
 * libpam-modules-bin, bsdutils): no service's own.
 */
const LOGIN_TOOLS = /\/(?:chage|chfn|chsh|expiry|gpasswd|mount|newgrp|passwd|su|umount|unix_chkpwd|wall)$/;

function setIdNotes(setId: readonly Finding[]): string[] {
  if (setId.length === 0) return [];
  const isTool = ({ path, isCommand }: Finding): boolean => LOGIN_TOOLS.test(path) && !isCommand;
  const tools = setId.filter(isTool).map(({ path }) => path);
  const others = setId.filter((finding) => !isTool(finding));
  const effect =
    'Under allowPrivilegeEscalation: false they run without that. If the program depends on one, add allowPrivilegeEscalation to needs.';
  const inLine = others.length === 0 ? 'set-uid and set-gid programs: none but' : 'And';
  return [
    ...(others.length === 0 ? [] : ['set-uid and set-gid programs:']),
    ...few(
      others.map(({ path, file, isCommand }) => {
        const mode = (file.mode & 0o7777).toString(8).padStart(4, '0');
        return `  ${path} (${mode})${isCommand ? ", which the image's command line names" : ''}`;
      }),
    ),
    ...(tools.length === 0 ? [] : [`${inLine} the usual ones of a login: ${tools.join(', ')}.`]),
    effect,
  ];
}
