import type { ActiveException, ExceptionPod, MatchedProfile, Plan } from './plan.js';
import type { Container, SecurityContext } from './podSpec.js';
import type { StartUser } from './startUser.js';
import type { ContainerList, ContainerRef, Path, RuleId } from './rule.js';

const NO_SECURITY_CONTEXT: SecurityContext = {};
const NO_STRINGS: readonly string[] = [];

/** One container as it will be. Reads see what rules have written so far. */
export class ContainerDraft {
  readonly ref: ContainerRef;
  readonly path: Path;
  /** What the policy knows of the image. */
  readonly profile: MatchedProfile | undefined;
  /** Kept here by `startUser`, which works it out. */
  start: StartUser | undefined;
  private readonly excepted: ReadonlySet<RuleId> | undefined;
  private written: Record<string, unknown> | undefined;

  constructor(
    readonly spec: Container,
    list: ContainerList,
    index: number,
    plan: Plan,
    pod: ExceptionPod,
  ) {
    this.ref = { list, index, name: spec.name ?? '' };
    this.path = ['spec', list, index];
    this.profile = plan.imageProfiles.lookup(spec.image ?? '');
    this.excepted = rulesOf(plan.exceptions.matching({ name: this.ref.name, image: spec.image ?? '' }, pod));
  }

  get isEphemeral(): boolean {
    return this.ref.list === 'ephemeralContainers';
  }

  isExcepted(rule: RuleId): boolean {
    return this.excepted?.has(rule) === true;
  }

  /** A field of the container's own securityContext, as it will be. */
  securityContext<K extends keyof SecurityContext & string>(
    name: K,
  ): NonNullable<SecurityContext[K]> | undefined {
    const given = (this.spec.securityContext ?? NO_SECURITY_CONTEXT)[name];
    return this.read(name, given) as NonNullable<SecurityContext[K]> | undefined;
  }

  /** `capabilities.add` or `capabilities.drop`, as it will be; undefined where the author names none. */
  capabilities(list: 'add' | 'drop'): readonly string[] | undefined {
    return this.read(list, this.spec.securityContext?.capabilities?.[list]) as readonly string[] | undefined;
  }

  get isPrivileged(): boolean {
    return this.securityContext('privileged') === true;
  }

  /**
   * Whether the image's profile says it needs this. A capability is believed for the exact repositories that an
   * entry names; the other words lift a rule, so they come from a policy's own profiles alone.
   */
  needs(word: 'allowPrivilegeEscalation' | 'writableRoot' | 'unconfinedSeccomp'): boolean {
    const match = this.profile;
    return (
      match !== undefined &&
      match.exact &&
      match.fromPolicy &&
      (match.profile.needs ?? NO_STRINGS).includes(word)
    );
  }

  private read(name: string, given: unknown): unknown {
    const written = this.written;
    return (written !== undefined && name in written ? written[name] : given) ?? undefined;
  }

  /** Called by the draft for every change. Names in securityContext and its capabilities do not clash. */
  remember(path: Path, after: unknown): void {
    const name = path[path.length - 1];
    if (path[0] !== 'securityContext' || typeof name !== 'string') return;
    this.written ??= {};
    this.written[name] = after ?? null;
  }
}

function rulesOf(exceptions: readonly ActiveException[]): ReadonlySet<RuleId> | undefined {
  if (exceptions.length === 0) return undefined;
  return new Set(exceptions.flatMap(({ rules }) => [...rules]));
}
