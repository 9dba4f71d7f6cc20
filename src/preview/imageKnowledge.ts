import type { LocatedPod } from '../hardening/locate.js';
import type { Plan } from '../hardening/plan.js';
import type { Container } from '../hardening/podSpec.js';
import type { Change, Risk, RuleId } from '../hardening/rule.js';
import { isWindowsPod } from '../hardening/windows.js';
import type { PreviewChange, PreviewContainer } from './result.js';

/** Rules whose changes an image profile answers for: as whom the program runs, where it writes, what it needs. */
const OF_IMAGES: ReadonlySet<RuleId> = new Set([
  'runAsNonRoot',
  'runAsUser',
  'capabilities',
  'allowPrivilegeEscalation',
  'readOnlyRootFilesystem',
  'seccompProfile',
  'unprivilegedPorts',
]);

/** An object, as commands name it. */
interface Named {
  readonly namespace: string;
  readonly kind: string;
  /** Empty where it gets one only when it is created. */
  readonly name: string;
}

/** What is known of the images of a pod, and what that leaves of the risk of each change. */
export class ImageKnowledge {
  /** Those that hardening looks at, init containers first. */
  readonly containers: readonly PreviewContainer[];
  private readonly known: ReadonlySet<string>;

  /** @param isDebugging only the pod's ephemeral containers are looked at */
  constructor({ pod: { spec } }: LocatedPod, isDebugging: boolean, named: Named, plan: Plan) {
    const isWindows = isWindowsPod(spec);
    const describe = (container: Container, runsOn: boolean): PreviewContainer => {
      const image = container.image ?? '';
      const match = plan.imageProfiles.lookup(image);
      return {
        name: container.name ?? '',
        image,
        profile: match ? { image: match.pattern, from: match.fromPolicy ? 'policy' : 'builtIn' } : null,
        settledBy: match || isWindows ? null : settledBy(container, runsOn, named),
      };
    };
    this.containers = isDebugging
      ? (spec.ephemeralContainers ?? []).map((container) => describe(container, true))
      : [
          ...(spec.initContainers ?? []).map((container) =>
            describe(container, container.restartPolicy === 'Always'),
          ),
          ...(spec.containers ?? []).map((container) => describe(container, true)),
        ];
    this.known = new Set(this.containers.flatMap(({ name, profile }) => (profile ? [name] : [])));
  }

  /**
   * Whether an image profile answers for a change, and the risk that is left.
   *
   * A change of the pod's own is about all containers, so it needs the profiles of all. Where a rule goes against what
   * the author wrote, or says itself how risky this very change is, no profile makes it less so.
   *
   * @param ruleRisk what the rule's metadata says
   */
  of({ rule, container, before, risk }: Change, ruleRisk: Risk): Pick<PreviewChange, 'risk' | 'profile'> {
    if (!OF_IMAGES.has(rule) || before !== undefined) return { risk: risk ?? ruleRisk, profile: null };
    const isKnown = container ? this.known.has(container.name) : this.known.size === this.containers.length;
    if (!isKnown) return { risk: risk ?? ruleRisk, profile: 'unknown' };
    return risk === undefined ? { risk: 'low', profile: 'known' } : { risk, profile: null };
  }
}

/** What an author chose and a shell takes for one plain word, and no command for a flag. */
const PLAIN_WORD = /^\w[\w.:/@-]*$/;

/**
 * The command that would tell what is not known of a container: from what runs, or where it ends by itself or has no
 * name to be found by, from its image.
 */
function settledBy(
  { name = '', image }: Container,
  runsOn: boolean,
  { namespace, kind, name: object }: Named,
): string | null {
  const isFound = [object, namespace, name].every((word) => PLAIN_WORD.test(word));
  if (runsOn && isFound && kind !== 'PodTemplate')
    return `kubectl harden learn ${kind.toLowerCase()}/${object} -n ${namespace} -c ${name}`;
  return image && PLAIN_WORD.test(image) ? `kubectl harden profile ${image}` : null;
}

/** What is known of a container's image, in one phrase. */
export function knowledgeOf({ image, profile }: PreviewContainer): string {
  if (profile === null) return `no image profile of ${image === '' ? 'its image' : image} is known`;
  return `${profile.from === 'policy' ? "the policy's" : 'the built-in'} image profile ${profile.image} is known`;
}

/** The same, with the command that would tell what is not known. */
export function knowledgeLine(container: PreviewContainer): string {
  const { settledBy } = container;
  return knowledgeOf(container) + (settledBy === null ? '' : `; to settle it: ${settledBy}`);
}

/** The containers of changes that are less risky for a profile, or might be: of the pod's own changes, all. */
export function containersBehind(
  changes: readonly Pick<PreviewChange, 'container' | 'risk' | 'profile'>[],
  containers: readonly PreviewContainer[],
): readonly PreviewContainer[] {
  const names = new Set<string | null>();
  for (const { container, risk, profile } of changes) {
    if (profile === 'known' || (profile === 'unknown' && risk !== 'low')) names.add(container);
  }
  return names.has(null) ? containers : containers.filter(({ name }) => names.has(name));
}
