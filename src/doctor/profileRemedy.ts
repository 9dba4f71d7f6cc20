import type { ImageProfile } from '../hardening/plan.js';
import { isAtOrBelow } from '../hardening/volumes.js';
import { parseImage } from '../images/imageReference.js';
import { scalarText } from '../policy/yamlLine.js';
import type { Remedy } from './finding.js';
import type { Blamed, Match } from './match.js';
import { realPath, type ContainerView } from './podView.js';
import { showsSecret } from './redact.js';
import { doubled, lines, list, quoted, shellWord } from './remedyText.js';

/**
 * An entry of the policy's imageProfiles with which the rule stays and the image works, or the command that finds it.
 *
 * @returns undefined where no profile helps
 */
export function profileRemedy(match: Match, blamed: Blamed): Remedy | undefined {
  const image = containerOf(match)?.spec.image;
  const addition = image ? profileAddition(match, blamed, image) : undefined;
  if (!addition || !image) return undefined;
  if ('command' in addition) return { kind: 'imageProfile', what: addition.what, paste: addition.command };
  const { plan } = match.sighting.facts;
  const known = plan?.imageProfiles.lookup(image)?.profile;
  const profile = merged(known, addition.profile, parseImage(image).repository);
  return {
    kind: 'imageProfile',
    what: `${addition.what} It goes into spec of policy ${plan?.policy ?? 'default'}.`,
    paste: profileText(profile),
  };
}

/** The container that is meant or, of a volume, the one that mounts it. */
function containerOf({ sighting: { container, pod, named } }: Match): ContainerView | undefined {
  return (
    container ?? pod.containers.find(({ spec }) => spec.volumeMounts?.some(({ name }) => name === named))
  );
}

type Addition =
  | { readonly what: string; readonly profile: Partial<ImageProfile> }
  | { readonly what: string; readonly command: string };

function profileAddition(match: Match, { blame }: Blamed, image: string): Addition | undefined {
  const { sighting, signature } = match;
  switch (blame.remedy) {
    case 'writablePath':
      return writablePathAddition(match, image);
    case 'writableRoot':
      return { what: 'Say that the image writes to its own files.', profile: { needs: ['writableRoot'] } };
    case 'port': {
      const declared = sighting.container?.spec.ports?.find(({ containerPort = 0 }) => containerPort < 1024);
      const port = sighting.port ?? declared?.containerPort;
      return port === undefined
        ? undefined
        : { what: `Say that the image listens on port ${port}.`, profile: { ports: [port] } };
    }
    case 'uid':
      return uidAddition(match, image);
    case 'rootCapabilities':
      return {
        what: 'Say which capabilities the image needs while it starts as root.',
        profile: { startsAsRoot: { capabilities: capabilitiesFor(signature.id) } },
      };
    case 'neededCapabilities':
      return {
        what: 'Say which capabilities the set-uid program that the image calls needs.',
        profile: { needs: capabilitiesFor(signature.id) },
      };
    case 'fileCapability':
      return {
        what: "Say which capability the program's file carries; most often it is that for low ports (`getcap` shows it).",
        profile: { needs: ['NET_BIND_SERVICE'] },
      };
    case 'escalation':
      return {
        what: 'Say that the image calls set-uid programs.',
        profile: { needs: ['allowPrivilegeEscalation'] },
      };
    case 'unconfinedSeccomp':
      return {
        what: 'Say that the image needs system calls that the profile refuses.',
        profile: { needs: ['unconfinedSeccomp'] },
      };
    case 'sizeLimit':
      return sizeLimitAddition(match);
    case 'resources':
    case 'template':
    case 'label':
      return undefined;
  }
}

/** Directories that hold what the image brought: an emptyDir there would hide it. */
const OF_THE_IMAGE = [
  '/',
  '/home',
  '/media',
  '/mnt',
  '/opt',
  '/root',
  '/srv',
  '/usr',
  '/usr/local',
  '/var',
  '/var/lib',
];
/** The same, with all below them. */
const BELOW_OF_THE_IMAGE = [
  '/bin',
  '/boot',
  '/etc',
  '/lib',
  '/lib64',
  '/sbin',
  '/usr/bin',
  '/usr/lib',
  '/usr/sbin',
  '/usr/share',
];
const NAMES_OF_THE_IMAGE = ['bin', 'conf', 'config', 'etc', 'lib', 'plugins', 'sbin', 'share'];

function writablePathAddition({ sighting: { path, text, pod } }: Match, image: string): Addition | undefined {
  if (path === undefined || showsSecret(path, pod.object))
    return {
      what: 'Find the directories that the image writes to.',
      command: `kube-harden profile ${shellWord(image)}`,
    };
  const place = realPath(path);
  const parent = place.slice(0, place.lastIndexOf('/')) || '/';
  if (!isOfTheImage(parent))
    return { what: `Say that the image writes to ${parent}.`, profile: { writablePaths: [parent] } };
  const isBelow = BELOW_OF_THE_IMAGE.some((base) => isAtOrBelow(place, base));
  const isDirectory = /\bmkdir|directory|mkdtemp/i.test(text) || !/[^/]\.\w{1,8}$/.test(place);
  // A directory that is not there yet hides nothing.
  return isDirectory && !isBelow
    ? { what: `Say that the image writes to ${place}.`, profile: { writablePaths: [place] } }
    : {
        what: `Say that the image writes to its own files: an emptyDir at ${parent} would hide what it has there.`,
        profile: { needs: ['writableRoot'] },
      };
}

function isOfTheImage(directory: string): boolean {
  return (
    OF_THE_IMAGE.includes(directory) ||
    BELOW_OF_THE_IMAGE.some((base) => isAtOrBelow(directory, base)) ||
    NAMES_OF_THE_IMAGE.includes(directory.slice(directory.lastIndexOf('/') + 1))
  );
}

/** The user that the program wanted to become is the one that it works as. */
function uidAddition({ sighting }: Match, image: string): Addition | undefined {
  const { text, container, facts, pod } = sighting;
  const uid = Number(WANTED_USER.exec(text)?.[1] ?? NaN);
  if (uid > 0 && uid !== container?.uid)
    return { what: `Say that the image works as user ${uid}.`, profile: { runAsUser: uid } };
  if (facts.plan?.imageProfiles.lookup(image)?.profile.runAsUser !== undefined) return undefined;
  return {
    what: `Find the user that the image works as; once it runs, kube-harden learn ${pod.owner ?? `pod/${pod.name}`} tells more.`,
    command: `kube-harden profile ${shellWord(image)}`,
  };
}

/** `chown("/data", 101)`, `setgid(101)`, `initgroups(www, 33)`. */
const WANTED_USER = /(?:chown|set(?:res|re|e)?[ug]id|initgroups)\w{0,4}\([^)]{0,300}?\b(\d{1,9})\b/i;

function sizeLimitAddition({ sighting: { pod, named } }: Match): Addition | undefined {
  const volume = pod.spec.volumes?.find(({ name }) => name === named);
  const limit = (volume?.['emptyDir'] as { sizeLimit?: unknown } | null | undefined)?.sizeLimit;
  if (typeof limit !== 'string') return undefined;
  return { what: `Give the image's emptyDirs more than ${limit}.`, profile: { sizeLimit: doubled(limit) } };
}

/** What an entrypoint that starts as root needs (measured: docs/programs.md, docs/images.md). */
function capabilitiesFor(signature: string): string[] {
  const drop = ['CHOWN', 'SETGID', 'SETUID'];
  switch (signature) {
    case 'bind-low-port':
      return [...drop, 'NET_BIND_SERVICE'];
    case 'change-mode':
      return [...drop, 'FOWNER'];
    case 'permission-denied':
    case 'exec-permission-denied':
      return [...drop, 'DAC_OVERRIDE'];
    default:
      return drop;
  }
}

/** Entries are never merged, and the policy's wins: so it has to say all that the one says that it replaces. */
function merged(
  known: ImageProfile | undefined,
  addition: Partial<ImageProfile>,
  repository: string,
): ImageProfile {
  const union = <T>(a: readonly T[] | undefined, b: readonly T[] | undefined): readonly T[] | undefined =>
    a || b ? [...new Set([...(a ?? []), ...(b ?? [])])] : undefined;
  const startsAsRoot = addition.startsAsRoot
    ? {
        ...known?.startsAsRoot,
        capabilities:
          union(known?.startsAsRoot?.capabilities, addition.startsAsRoot.capabilities) ??
          addition.startsAsRoot.capabilities,
      }
    : known?.startsAsRoot;
  return {
    ...known,
    ...addition,
    images: [repository],
    writablePaths: union(known?.writablePaths, addition.writablePaths),
    ports: union(known?.ports, addition.ports),
    needs: union(known?.needs, addition.needs),
    startsAsRoot,
  };
}

function profileText(profile: ImageProfile): string {
  const { images, startsAsRoot } = profile;
  const fields: [string, string | undefined][] = [
    ['runAsUser', profile.runAsUser?.toString()],
    ['runAsGroup', profile.runAsGroup?.toString()],
    ['writablePaths', profile.writablePaths && list(profile.writablePaths)],
    ['dataPaths', profile.dataPaths && list(profile.dataPaths)],
    ['sizeLimit', profile.sizeLimit && quoted(profile.sizeLimit)],
    ['ports', profile.ports && `[${profile.ports.join(', ')}]`],
    ['needs', profile.needs && list(profile.needs)],
  ];
  const ofRoot: [string, string | undefined][] = [
    ['capabilities', startsAsRoot && list(startsAsRoot.capabilities)],
    ['volumes', startsAsRoot?.volumes && list(startsAsRoot.volumes)],
    ['volumeVariable', startsAsRoot?.volumeVariable && scalarText(startsAsRoot.volumeVariable)],
  ];
  const written = (entries: readonly [string, string | undefined][], indent: string): string[] =>
    entries.flatMap(([key, value]) => (value === undefined ? [] : [`${indent}${key}: ${value}`]));
  return lines([
    'imageProfiles:',
    `  - images: ${list(images)}`,
    ...written(fields, '    '),
    ...(startsAsRoot ? ['    startsAsRoot:', ...written(ofRoot, '      ')] : []),
  ]);
}
