import { ContainerDraft } from './containerDraft.js';
import { fieldPath } from './fieldPath.js';
import type { LowPorts } from './lowPorts.js';
import type { Plan, RulePlan } from './plan.js';
import type { Container, Pod, PodSecurityContext, PodSpec, Volume, VolumeMount } from './podSpec.js';
import type { Change, ContainerRef, Path, Risk, RuleId, Skip, SkipCode, Violation } from './rule.js';
import type { Settings as SchedulingSettings } from './rules/scheduling.settings.js';
import { serviceAccountOf } from './serviceAccount.js';
import { EXCEPTED, OPTED_OUT, STANCES, UNKNOWN_IMAGE, type Stance } from './stance.js';
import { isWindowsPod, requiredTerms } from './windows.js';

/** What is hardened, and what is known of the object around it. */
export interface HardenInput {
  readonly pod: Pod;
  /**
   * - `pod`: a Pod as it is created
   * - `template`: a workload's pod template; its pods will have a controller
   * - `ephemeralContainers`: an update that adds ephemeral containers; nothing else may be written
   */
  readonly scope: 'pod' | 'template' | 'ephemeralContainers';
  /** A Pod without a controlling owner, or a Job's template: immutable, and its author may apply the manifest again. */
  readonly bare: boolean;
  /** Made (or, for a template, to be made) by a DaemonSet controller. */
  readonly daemonSet: boolean;
  /** Volume names that a controller will add: a StatefulSet's volumeClaimTemplates. */
  readonly reservedVolumeNames?: readonly string[];
  /** With scope ephemeralContainers: indices of the containers that this request adds. */
  readonly addedEphemeral?: ReadonlySet<number>;
}

export interface Hardening {
  readonly changes: readonly Change[];
  readonly skips: readonly Skip[];
  readonly violations: readonly Violation[];
}

/** What a single change says that the rule's metadata does not. */
export interface Note {
  readonly risk?: Risk;
  readonly reason?: string;
}

/** A mount, with the container that has it and its index there. */
export interface MountRef {
  readonly container: ContainerDraft;
  readonly index: number;
  readonly mount: VolumeMount;
}

const NO_SECURITY_CONTEXT: PodSecurityContext = {};

/**
 * The pod as it will be: reads see what rules have written so far, and every write is a Change that names its rule.
 * The pod itself is never copied and never modified.
 *
 * A rule says what it would do (`fill` an unset field, `replace` an explicit weaker value) and the draft turns that
 * into a change, a violation or a skip, according to the rule's stance: its action, the namespace's opt-out, the
 * exceptions and `unknownImages`.
 */
export class PodDraft {
  readonly spec: PodSpec;
  /** The containers in scope: init containers first, as they run. */
  readonly containers: readonly ContainerDraft[];
  readonly isWindows: boolean;
  readonly changes: Change[] = [];
  readonly skips: Skip[] = [];
  readonly violations: Violation[] = [];

  /** Kept here by `rootOnlyPort`, which works it out. */
  lowPorts: LowPorts | undefined;

  private written: Record<string, unknown> | undefined;
  private legacySeccomp: boolean | undefined;
  private rulePlan: RulePlan | undefined;
  /** The current rule's stance, where nothing can make it differ between containers. */
  private uniform: Stance | undefined;
  private stanceOfPod: Stance | undefined;
  private readonly skipped = new Set<string>();
  private volumes: ReadonlyMap<string, Volume> | undefined;
  private mounts: ReadonlyMap<string, MountRef[]> | undefined;

  constructor(
    readonly input: HardenInput,
    readonly plan: Plan,
  ) {
    this.spec = input.pod.spec;
    this.containers = draftContainers(input, plan);
    this.isWindows = this.willBeWindows();
  }

  /** Starts the next rule: what is written from now on carries its id. */
  begin(rulePlan: RulePlan): void {
    this.rulePlan = rulePlan;
    this.stanceOfPod = undefined;
    const isUniform = this.plan.exceptions.all.length === 0 && this.plan.unknownImages === 'Harden';
    this.uniform = isUniform ? (rulePlan.optedOut ? OPTED_OUT : STANCES[rulePlan.action]) : undefined;
  }

  /**
   * By the nodeSelector and affinity with what the scheduling rule will write: an author's `kubernetes.io/os: windows` that the
   * policy overrides must not have kept the Linux rules away, and Linux fields must not go where the policy sends pods to Windows.
   */
  private willBeWindows(): boolean {
    const scheduling = this.plan.byId.scheduling;
    if (!scheduling || !this.podIsWritable || this.input.daemonSet) return isWindowsPod(this.spec);
    const { fills, replaces } = this.podStance(scheduling);
    if (!fills) return isWindowsPod(this.spec);
    const given = this.spec.nodeSelector ?? undefined;
    const { nodeSelector, nodeAffinity } = scheduling.settings as SchedulingSettings;
    const selector = replaces ? { ...given, ...nodeSelector } : { ...nodeSelector, ...given };
    const terms = requiredTerms(this.spec);
    const [policys] = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms ?? [];
    // The policy's expressions hold beside each term of the author's, but for lists that have to stand.
    const isAdded = policys !== undefined && (terms.length === 0 || replaces || !this.input.bare);
    return (
      isWindowsPod(this.spec, selector, terms) || (isAdded && isWindowsPod(this.spec, selector, [policys]))
    );
  }

  /** The pod's volume of a name: looked up, since hostile pods have thousands of them. */
  volume(name: string | undefined): Volume | undefined {
    const volumes = this.spec.volumes ?? [];
    if (volumes.length <= FEW_VOLUMES) return volumes.find((volume) => (volume.name ?? '') === (name ?? ''));
    this.volumes ??= byName(volumes);
    return this.volumes.get(name ?? '');
  }

  /** The mounts of a volume, in the containers in scope. */
  mountsOf(volume: string | undefined): readonly MountRef[] {
    this.mounts ??= mountsByVolume(this.containers);
    return this.mounts.get(volume ?? '') ?? [];
  }

  get annotations(): Readonly<Record<string, string>> {
    return this.input.pod.metadata?.annotations ?? {};
  }

  /** Whether any annotation may be one of the old seccomp ones: most pods have none, and need not be asked again. */
  get hasLegacySeccomp(): boolean {
    return (this.legacySeccomp ??= Object.keys(this.annotations).some((key) => key.includes('seccomp')));
  }

  /** Only ephemeral containers may change on pods/ephemeralcontainers; anywhere else the pod's fields may too. */
  get podIsWritable(): boolean {
    return this.input.scope !== 'ephemeralContainers';
  }

  /** A field of the pod's spec, as it will be. */
  field<K extends keyof PodSpec & string>(name: K): NonNullable<PodSpec[K]> | undefined {
    return this.read(name, this.spec[name]) as NonNullable<PodSpec[K]> | undefined;
  }

  /** A field of the pod's securityContext, as it will be. */
  securityContext<K extends keyof PodSecurityContext & string>(
    name: K,
  ): NonNullable<PodSecurityContext[K]> | undefined {
    const given = (this.spec.securityContext ?? NO_SECURITY_CONTEXT)[name];
    return this.read(name, given) as NonNullable<PodSecurityContext[K]> | undefined;
  }

  private read(name: string, given: unknown): unknown {
    const written = this.written;
    return (written !== undefined && name in written ? written[name] : given) ?? undefined;
  }

  /** How a rule treats a container, undefined where the rule is Disabled. */
  stanceOf(id: RuleId, container: ContainerDraft): Stance | undefined {
    const rulePlan = this.plan.byId[id];
    return rulePlan && stanceFor(rulePlan, container, this.plan);
  }

  /** How a rule treats the pod as a whole, undefined where it is Disabled. */
  podStanceOf(id: RuleId): Stance | undefined {
    const rulePlan = this.plan.byId[id];
    return rulePlan && this.podStance(rulePlan);
  }

  /** How the current rule treats a container; without one, the pod as a whole. */
  stance(container?: ContainerDraft): Stance {
    if (this.uniform) return this.uniform;
    const rulePlan = this.current();
    if (container) return stanceFor(rulePlan, container, this.plan);
    return (this.stanceOfPod ??= this.podStance(rulePlan));
  }

  /** What holds for every container holds for the pod; a rule about the whole pod also respects an unknown image. */
  private podStance(rulePlan: RulePlan): Stance {
    if (rulePlan.optedOut) return OPTED_OUT;
    const held = this.containers.map((container) => stanceFor(rulePlan, container, this.plan));
    if (held.length > 0 && held.every((stance) => stance.heldBack === 'Excepted')) return EXCEPTED;
    const isUnknown = (stance: Stance): boolean => stance.heldBack === 'UnknownImage';
    if (rulePlan.rule.wholePod ? held.some(isUnknown) : held.length > 0 && held.every(isUnknown))
      return UNKNOWN_IMAGE;
    return STANCES[rulePlan.action];
  }

  /**
   * Whether a list that the author wrote has to stand: with another one, the next `kubectl apply` of a bare Pod's
   * manifest fails ("pod updates may not change fields", measured). Override goes against it all the same.
   */
  authorsListStands(container?: ContainerDraft): boolean {
    const stance = this.stance(container);
    return this.input.bare && stance.fills && !stance.replaces;
  }

  /**
   * Sets a field that the author left unset, in the container or (without one) in the pod.
   * Under Warn and Deny this is a violation; for a container that is held back, a skip.
   * @param path from the container; from the pod where it starts with `spec` or `metadata`
   * @returns whether it was written
   */
  fill(container: ContainerDraft | undefined, path: Path, value: unknown, note?: Note): boolean {
    const stance = this.stance(container);
    if (stance.fills) return this.write(container, path, undefined, value, note);
    if (stance.heldBack) this.skip(stance.heldBack, container);
    else if (stance.reportsUnset) this.violate(stance, container, path, undefined);
    return false;
  }

  /**
   * Replaces an explicit weaker value; `value` undefined removes it. Where the value stands it is a violation.
   * @returns whether it was written
   */
  replace(
    container: ContainerDraft | undefined,
    path: Path,
    before: unknown,
    value: unknown,
    note?: Note,
  ): boolean {
    const stance = this.stance(container);
    if (stance.replaces) return this.write(container, path, before, value, note);
    if (stance.heldBack) this.skip(stance.heldBack, container);
    if (stance.reportsWeak) this.violate(stance, container, path, before);
    return false;
  }

  /**
   * Rewrites a value of the author's in the few cases where Default may: the stance of `fill`, the report of `replace`.
   * @returns whether it was written
   */
  rewrite(
    container: ContainerDraft | undefined,
    path: Path,
    before: unknown,
    value: unknown,
    note?: Note,
  ): boolean {
    const stance = this.stance(container);
    if (stance.fills) return this.write(container, path, before, value, note);
    if (stance.heldBack) this.skip(stance.heldBack, container);
    else this.violate(stance, container, path, before);
    return false;
  }

  /** Reports an explicit weaker value that the rule has no means to mend. */
  report(container: ContainerDraft | undefined, path: Path, value: unknown, detail?: string): void {
    const stance = this.stance(container);
    if (stance.heldBack === 'OptedOut' || stance.heldBack === 'Excepted')
      this.skip(stance.heldBack, container);
    else this.violate(stance, container, path, value, detail);
  }

  /** Leaves something alone for a reason; said once per rule, code and container. */
  skip(code: SkipCode, container?: ContainerDraft, detail?: string): void {
    const rule = this.current().rule.id;
    const ref = container?.ref;
    const key = `${rule} ${code} ${ref ? `${ref.list} ${ref.index}` : ''} ${detail ?? ''}`;
    if (this.skipped.has(key)) return;
    this.skipped.add(key);
    this.skips.push({
      rule,
      code,
      ...(container && { container: container.ref }),
      ...(detail && { detail }),
    });
  }

  /** Writes without asking for the stance: only for what follows from a change already made (a volume for a mount). */
  write(
    container: ContainerDraft | undefined,
    path: Path,
    before: unknown,
    after: unknown,
    note?: Note,
  ): true {
    const change: { -readonly [K in keyof Change]: Change[K] } = {
      rule: this.current().rule.id,
      path: fullPath(container, path),
    };
    if (before !== undefined) change.before = before;
    if (after !== undefined) change.after = after;
    if (container) change.container = container.ref;
    if (note?.risk) change.risk = note.risk;
    if (note?.reason) change.reason = note.reason;
    this.changes.push(change);
    if (container) container.remember(path, after);
    else this.remember(path, after);
    return true;
  }

  private remember(path: Path, after: unknown): void {
    const name = path[path.length - 1];
    const isReadBack = path.length === 2 || path[1] === 'securityContext';
    if (!isReadBack || typeof name !== 'string') return;
    this.written ??= {};
    this.written[name] = after ?? null;
  }

  private violate(
    stance: Stance,
    container: ContainerDraft | undefined,
    path: Path,
    value: unknown,
    detail?: string,
  ): void {
    const violation: { -readonly [K in keyof Violation]: Violation[K] } = {
      rule: this.current().rule.id,
      field: fieldPath(fullPath(container, path)),
    };
    if (value !== undefined) violation.value = value;
    if (container) violation.container = container.ref;
    if (stance.denies) violation.denied = true;
    if (detail) violation.detail = detail;
    this.violations.push(violation);
  }

  private current(): RulePlan {
    if (!this.rulePlan) throw new Error('PodDraft: no rule has begun');
    return this.rulePlan;
  }
}

/** A container's own fields are given from the container; what it needs elsewhere in the pod, from the pod. */
function fullPath(container: ContainerDraft | undefined, path: Path): Path {
  return !container || path[0] === 'spec' || path[0] === 'metadata' ? path : [...container.path, ...path];
}

function stanceFor(rulePlan: RulePlan, container: ContainerDraft, plan: Plan): Stance {
  if (rulePlan.optedOut) return OPTED_OUT;
  if (container.isExcepted(rulePlan.rule.id)) return EXCEPTED;
  const writes = rulePlan.action === 'Default' || rulePlan.action === 'Override';
  if (writes && plan.unknownImages === 'Safe' && rulePlan.rule.risk !== 'low' && !container.profile) {
    return UNKNOWN_IMAGE;
  }
  return STANCES[rulePlan.action];
}

/** The first of a name: the API refuses a second. */
/** Up to so many are found faster one by one than by an index that has to be made first. */
const FEW_VOLUMES = 16;

function byName(volumes: readonly Volume[]): Map<string, Volume> {
  const named = new Map<string, Volume>();
  for (const volume of volumes) if (!named.has(volume.name ?? '')) named.set(volume.name ?? '', volume);
  return named;
}

function mountsByVolume(containers: readonly ContainerDraft[]): Map<string, MountRef[]> {
  const found = new Map<string, MountRef[]>();
  for (const container of containers) {
    container.spec.volumeMounts?.forEach((mount, index) => {
      const name = mount.name ?? '';
      const known = found.get(name);
      if (known) known.push({ container, index, mount });
      else found.set(name, [{ container, index, mount }]);
    });
  }
  return found;
}

function draftContainers(input: HardenInput, plan: Plan): ContainerDraft[] {
  const { spec, metadata } = input.pod;
  const pod = { labels: metadata?.labels ?? {}, serviceAccount: serviceAccountOf(spec) };
  const drafts: ContainerDraft[] = [];
  const add = (list: ContainerRef['list'], containers: readonly Container[] | null | undefined): void => {
    containers?.forEach((container, index) => {
      if (list === 'ephemeralContainers' && !input.addedEphemeral?.has(index)) return;
      drafts.push(new ContainerDraft(container, list, index, plan, pod));
    });
  };
  if (input.scope === 'ephemeralContainers') {
    add('ephemeralContainers', spec.ephemeralContainers);
  } else {
    add('initContainers', spec.initContainers);
    add('containers', spec.containers);
  }
  return drafts;
}
