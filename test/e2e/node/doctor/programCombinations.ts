import { BUILTIN_IMAGE_PROFILES } from '../../../../src/policy/builtin.generated.js';
import type { ImageProfile } from '../../../../src/hardening/plan.js';
import type { RuleId } from '../../../../src/hardening/rule.js';
import { ImageProfileIndex } from '../../../../src/images/imageProfiles.js';
import type { Program, ProgramPodSpec } from '../programs/program.js';
import { theNode } from '../theNode.js';
import { crashes, deployBroken, staysCreating } from './brokenPod.js';
import type { BrokenWorkload, Combination } from './combination.js';
import { deployProgram } from './deployedProgram.js';
import { onlyRules, type RuleEntry } from './onlyRules.js';

/** Each rule as it is where nobody thought of the program: without a profile, and insisting. */
const ALONE: Readonly<Record<string, { readonly rule: RuleId; readonly entry: RuleEntry }>> = {
  user: { rule: 'runAsUser', entry: { action: 'Override', existingVolumes: 'Set' } },
  capabilities: { rule: 'capabilities', entry: { action: 'Override' } },
  escalation: { rule: 'allowPrivilegeEscalation', entry: { action: 'Default' } },
  root: { rule: 'readOnlyRootFilesystem', entry: { action: 'Default' } },
  'root-tmp': { rule: 'readOnlyRootFilesystem', entry: { action: 'Default', writablePaths: [] } },
  seccomp: { rule: 'seccompProfile', entry: { action: 'Default' } },
};

const NAIVE = onlyRules({
  runAsNonRoot: { action: 'Default' },
  runAsUser: { action: 'Override', existingVolumes: 'Set' },
  capabilities: { action: 'Override' },
  allowPrivilegeEscalation: { action: 'Default' },
  readOnlyRootFilesystem: { action: 'Default' },
  seccompProfile: { action: 'Default' },
});

const named = new Map<string, Promise<string>>();

/** A name of the program's image that no profile knows, as everybody has them who builds images from images. */
function unknownName({ id, image }: Program): Promise<string> {
  const name = `registry.example/doctor/${id.toLowerCase()}:1`;
  const made =
    named.get(id) ??
    theNode()
      .nameImage(image.name, name)
      .then(() => name);
  named.set(id, made);
  return made;
}

async function deployUnknown(program: Program, namespace: string): Promise<BrokenWorkload | undefined> {
  return deployProgram(program, namespace, program.pod(await unknownName(program)));
}

/** A program under each rule by itself. */
export function ruleAlone(program: Program): Combination[] {
  return Object.entries(ALONE).map(([name, { rule, entry }]) => ({
    id: `${program.id.toLowerCase()}-alone-${name}`,
    group: 'alone',
    title: `${program.id}, ${rule} alone${name === 'root-tmp' ? ', /tmp too' : ''}`,
    program: program.id,
    policy: { rules: onlyRules({ [rule]: entry }) },
    expected: [rule],
    make: (namespace) => deployUnknown(program, namespace),
  }));
}

const LITTLE = { memory: '2Mi' };

/** A program that gets less memory by default than it takes to start it: what breaks every program there is. */
export function memoryAlone(program: Program): Combination {
  const name = program.id.toLowerCase();
  return {
    id: `${name}-alone-memory`,
    group: 'alone',
    title: `${program.id}, resources alone, far too small`,
    program: program.id,
    policy: { rules: onlyRules({ resources: { action: 'Default', requests: LITTLE, limits: LITTLE } }) },
    expected: ['resources'],
    make: (namespace) =>
      deployBroken(
        namespace,
        name,
        program.pod(program.image.name),
        (pod) => crashes(pod) ?? staysCreating(10)(pod),
      ),
  };
}

/**
 * A program under all that most guides advise.
 *
 * @param breaksAlone the rules under which it fails alone: any of them is what breaks it here
 */
export function naively(program: Program, breaksAlone: readonly RuleId[]): Combination {
  return {
    id: `${program.id.toLowerCase()}-naive`,
    group: 'naive',
    title: `${program.id}, naive`,
    program: program.id,
    policy: { rules: NAIVE },
    expected: breaksAlone.filter((rule) => NAIVE[rule].action !== 'Disabled'),
    make: (namespace) => deployUnknown(program, namespace),
  };
}

const builtIn = new ImageProfileIndex([], BUILTIN_IMAGE_PROFILES);

/** A program with its own profile, of which one thing is missing. */
export function profileWithout(program: Program): Combination[] {
  const profile = program.profile ?? builtIn.lookup(program.image.name)?.profile;
  if (profile === undefined) return [];
  return [...asUser(program, profile), ...asRoot(program, profile)];
}

interface Missing {
  readonly name: string;
  readonly title: string;
  readonly rule: RuleId;
  readonly profile: ImageProfile;
  readonly rules?: object;
  readonly pod?: ProgramPodSpec;
}

function asUser(program: Program, profile: ImageProfile): Combination[] {
  const { writablePaths = [], needs = [], ports = [] } = profile;
  const missing: Missing[] = [
    ...writablePaths.map((path, index) => ({
      name: `path-${index}`,
      title: `profile without ${path}`,
      rule: isVolume(program, path) ? ('runAsUser' as const) : ('readOnlyRootFilesystem' as const),
      profile: { ...profile, writablePaths: writablePaths.filter((other) => other !== path) },
    })),
    ...needs.map((need) => ({
      name: `needs-${need.toLowerCase().replaceAll('_', '-')}`,
      title: `profile without ${need}`,
      rule: RULE_OF_NEED[need] ?? ('capabilities' as const),
      profile: { ...profile, needs: needs.filter((other) => other !== need) },
    })),
  ];
  if (profile.runAsUser !== undefined) {
    const rest = { ...profile, runAsUser: undefined, runAsGroup: undefined };
    missing.push({ name: 'user', title: 'profile without its uid', rule: 'runAsUser', profile: rest });
  }
  if (ports.some((port) => port < 1024)) {
    missing.push({
      name: 'ports',
      title: 'profile without its ports, which its pod does not name either',
      rule: 'runAsUser',
      profile: { ...profile, ports: [] },
      pod: withoutPorts(program.pod(program.image.name)),
    });
  }
  return missing.map((each) => combinationOf(program, each));
}

/** An image's VOLUME stays writable under a read-only root file system, but for the image's own user alone. */
function isVolume({ image }: Program, path: string): boolean {
  return image.config.Volumes?.some((volume) => path === volume || path.startsWith(`${volume}/`)) ?? false;
}

const RULE_OF_NEED: Readonly<Record<string, RuleId>> = {
  allowPrivilegeEscalation: 'allowPrivilegeEscalation',
  unconfinedSeccomp: 'seccompProfile',
  writableRoot: 'readOnlyRootFilesystem',
};

/** Started as root, where its entrypoint drops to its own user with the capabilities that are given back. */
function asRoot(program: Program, profile: ImageProfile): Combination[] {
  const { startsAsRoot } = profile;
  return (startsAsRoot?.capabilities ?? []).map((name) =>
    combinationOf(program, {
      name: `root-${name.toLowerCase().replaceAll('_', '-')}`,
      title: `started as root, profile without ${name}`,
      rule: 'capabilities',
      profile: {
        ...profile,
        startsAsRoot: {
          ...startsAsRoot,
          capabilities: startsAsRoot?.capabilities.filter((other) => other !== name) ?? [],
        },
      },
      rules: { runAsUser: { action: 'Disabled' }, runAsNonRoot: { action: 'Disabled' } },
    }),
  );
}

function combinationOf(program: Program, missing: Missing): Combination {
  const { name, title, rule, profile, rules = {}, pod = program.pod(program.image.name) } = missing;
  const images = [program.image.name.replace(/:[^:/]*$/, '')];
  return {
    id: `${program.id.toLowerCase()}-without-${name}`,
    group: 'missing',
    title: `${program.id}, ${title}`,
    program: program.id,
    policy: { imageProfiles: [{ ...profile, images }], rules },
    expected: [rule],
    make: (namespace) => deployProgram(program, namespace, pod),
  };
}

function withoutPorts({ containers, ...spec }: ProgramPodSpec): ProgramPodSpec {
  return { ...spec, containers: containers.map((container) => ({ ...container, ports: [] })) };
}
