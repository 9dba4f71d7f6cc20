import { parseQuantity } from '../hardening/quantity.js';
import type { Settings as ReadOnlySettings } from '../hardening/rules/readOnlyRootFilesystem.settings.js';
import type { Settings as ResourcesSettings } from '../hardening/rules/resources.settings.js';
import { parseImage } from '../images/imageReference.js';
import { concludeNeeds } from './concludeNeeds.js';
import { concludePaths } from './concludePaths.js';
import { concludeUser } from './concludeUser.js';
import { inOrder, profileOf } from './fields.js';
import type { LearnContext, LearnedField, LearnedProfile, Observation } from './observation.js';
import { Seen } from './seen.js';

const MEBI = 1024 ** 2;

/** Those of the built-in policy `default`, where the namespace's plan is not known. */
const DEFAULT_PATHS = ['/tmp'];
const DEFAULT_SIZE_LIMIT = '1Gi';
const DEFAULT_MEMORY = '512Mi';

/**
 * The profile that follows from what was seen of a container: several times, or in several replicas. Every value carries what
 * was seen that says so; what was not seen is not guessed.
 *
 * @param observations of the same container; at least one
 */
export function conclude(observations: readonly Observation[], context: LearnContext): LearnedProfile {
  const seen = new Seen(observations, context);
  const user = concludeUser(seen);
  const settings = context.plan?.byId.readOnlyRootFilesystem?.settings as ReadOnlySettings | undefined;
  const paths = concludePaths(seen, {
    uid: user.uid,
    gid: user.gid,
    policyPaths: settings?.writablePaths ?? DEFAULT_PATHS,
    sizeLimit: bytes(settings?.sizeLimit ?? DEFAULT_SIZE_LIMIT),
  });
  const fields = [
    imagesField(observations),
    ...user.fields,
    ...paths.fields,
    portsField(seen),
    concludeNeeds(seen, paths.writableRoot),
  ].filter(({ values, notes }) => values.length > 0 || notes.length > 0);
  const ordered = inOrder(fields);
  return {
    profile: profileOf(ordered),
    fields: ordered,
    warnings: [...user.warnings, ...paths.warnings, ...memoryWarnings(seen, context)],
    ways: [...new Set(observations.map(({ wayText }) => `It was looked at by ${wayText}.`))],
    missing: [...new Set(observations.flatMap(({ missing }) => missing))],
  };
}

function imagesField(observations: readonly Observation[]): LearnedField {
  const repositoryOf = ({ image }: Observation): string => parseImage(image).repository;
  const values = [...new Set(observations.map(repositoryOf))].map((value) => ({
    value,
    because: seenIn(observations.filter((observation) => repositoryOf(observation) === value)),
  }));
  return { field: 'images', values, notes: [] };
}

function seenIn(observations: readonly Observation[]): string {
  const MOST = 3;
  const pods = [...new Set(observations.map(({ namespace, pod }) => `${namespace}/${pod}`))];
  const shown = pods.slice(0, MOST).join(', ');
  const rest = pods.length > MOST ? ` and ${pods.length - MOST} more` : '';
  const times = observations.length > pods.length ? `, ${observations.length} looks` : '';
  const oldest = Math.max(...observations.map(({ ageSeconds }) => ageSeconds));
  return `seen in ${shown}${rest}, ${ageText(oldest)} after its start${times}`;
}

function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 2 * 60 * 60 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function portsField(seen: Seen): LearnedField {
  const ours = seen.lowPorts.filter(({ isOurs }) => isOurs === true);
  const unknown = seen.lowPorts.filter(
    ({ isOurs, port }) => isOurs === undefined && !ours.some((each) => each.port === port),
  );
  const values = [
    ...new Map(
      ours.map(({ port, protocol, uid }) => [
        port,
        { value: port, because: `it listens on it (${protocol}, a socket of uid ${uid})` },
      ]),
    ).values(),
  ];
  const notes = unknown.map(
    ({ port }) =>
      `something in the pod listens on port ${port}; whether it is this container could not be seen.`,
  );
  return { field: 'ports', values, notes };
}

/** The limit that hardening would set, where the container has none of its own. */
function memoryWarnings(seen: Seen, { plan }: LearnContext): string[] {
  const { peakBytes, ownBytes, limitBytes } = seen.memory;
  const rule = plan?.byId.resources;
  if (limitBytes !== undefined || (plan !== undefined && rule === undefined)) return [];
  const settings = rule?.settings as ResourcesSettings | undefined;
  const limit = settings === undefined ? DEFAULT_MEMORY : settings.limits.memory;
  if (limit === undefined) return [];
  const most = bytes(limit);
  if (ownBytes !== undefined && ownBytes > most * 0.8)
    return [
      `Its processes use ${mebi(ownBytes)} of memory, and the policy's default limit is ${limit}: it would be killed. Name resources.limits.memory in the pod.`,
    ];
  if (peakBytes !== undefined && peakBytes > most)
    return [
      `It has used up to ${mebi(peakBytes)} of memory, caches of files included, and the policy's default limit is ${limit}. Name resources.limits.memory in the pod (${Math.ceil(peakBytes / MEBI)}Mi or more).`,
    ];
  return [];
}

function mebi(value: number): string {
  return `${Math.ceil(value / MEBI)} MiB`;
}

function bytes(quantity: string): number {
  // Thousandths, as quantities are held.
  return Number(parseQuantity(quantity) ?? 0n) / QUANTITY_UNIT;
}

const QUANTITY_UNIT = Number(parseQuantity('1') ?? 1n);
