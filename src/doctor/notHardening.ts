import { isRecord } from '../hardening/locate.js';
import type { PodFacts } from './facts.js';
import type { Diagnosis, Evidence } from './finding.js';
import type { Match } from './match.js';
import { isDown, isRead, type Observation } from './observations.js';
import type { ContainerView, PodView } from './podView.js';
import type { Redact } from './redact.js';
import type { Written } from './written.js';

interface Case {
  readonly pod: PodView;
  readonly facts: PodFacts;
  readonly written: readonly Written[];
  readonly matches: readonly Match[];
}

/** What a reason of the kubelet or the scheduler means where no rule has to do with it. The first that is there counts. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ErrImagePull|ImagePullBackOff|RegistryUnavailable)$/, 'The image cannot be pulled'],
  [/^ErrImageNeverPull$/, 'The image is not on the node, and imagePullPolicy is Never'],
  [/^InvalidImageName$/, "The image's name is not valid"],
  [/^ImageInspectError$/, 'The image on the node cannot be read'],
  [
    /^CreateContainerConfigError$/,
    'The kubelet cannot put the container together: a Secret, a ConfigMap or a key of one is missing, or a value is wrong',
  ],
  [
    /^(?:CreateContainerError|RunContainerError|StartError|ContainerCannotRun)$/,
    'The container runtime cannot start the command',
  ],
  [/^(?:FailedMount|FailedAttachVolume)$/, 'A volume cannot be mounted'],
  [/^FailedCreatePodSandBox$/, "The node cannot set up the pod's sandbox or network"],
  [/^Evicted$/, "The kubelet evicted the pod: the node ran short, or the pod passed a limit of its author's"],
  [
    /^OOMKilled$/,
    "The container passed the memory limit that its author gave it, or the node's memory ran out",
  ],
  [/^(?:Unschedulable|FailedScheduling)$/, 'No node fits what the author asks for'],
  [
    /^(?:NodeLost|NodeAffinity|NodeShutdown|Terminated|Preempting)$/,
    'The node is lost, shut down or not fit any more',
  ],
  [/^Completed$/, 'The program ended by itself, and well, in a pod that is to run for ever'],
  [/^DeadlineExceeded$/, 'The pod took longer than its activeDeadlineSeconds'],
];

/**
 * The case that nothing points to a rule: in one sentence why, with what was said last.
 *
 * @returns undefined where hardening changed the pod, and no log could be read that might tell
 */
export function notHardening(
  found: Case,
  observations: readonly Observation[],
  redact: Redact,
): Diagnosis['notHardening'] {
  const shown = (observation: Observation): Evidence => ({
    source: observation.source,
    at: observation.at,
    text: redact(observation.text),
  });
  const lost = nodeProblem(found.facts, redact);
  if (lost) return lost;
  for (const [pattern, why] of REASONS) {
    const said = observations.find(({ reason }) => reason !== undefined && pattern.test(reason));
    if (said) return { why: `${why}.`, evidence: [shown(said)] };
  }
  const mounting = found.facts.events.find(({ reason }) => /^Failed(?:Mount|AttachVolume)$/.test(reason));
  if (mounting) {
    const text = redact(mounting.message);
    return {
      why: 'A volume cannot be mounted.',
      evidence: [{ source: 'event', at: `event ${mounting.reason}`, text }],
    };
  }
  // A signature whose rules did not touch this container, or that is of no rule.
  const innocent = found.matches.findLast(({ blamed }) => blamed.length === 0);
  if (innocent) {
    const { means, blames } = innocent.signature;
    const why = blames.length === 0 ? means : `${means}, which hardening did not change here`;
    return { why: sentence(why), evidence: [shown(innocent.observation)] };
  }
  const broken = brokenContainer(found.pod);
  if (broken && found.written.length > 0 && !hasLog(broken, found.facts)) return undefined;
  const probe = observations.findLast(({ reason }) => reason === 'Unhealthy' || reason === 'ProbeError');
  const evidence = [...lastWords(broken, observations), ...(probe ? [probe] : [])].map(shown);
  return {
    why: `${untouched(found) ?? 'Nothing that was said fits what hardening changed here'}.`,
    evidence,
  };
}

function untouched({ written, facts }: Case): string | undefined {
  if (written.length > 0) return undefined;
  return facts.author
    ? 'Hardening changed nothing in this pod'
    : 'Nothing in this pod is what hardening writes';
}

/** A node that does not answer tells nothing of its pods. */
function nodeProblem({ node }: PodFacts, redact: Redact): NonNullable<Diagnosis['notHardening']> | undefined {
  const status = isRecord(node?.['status']) ? node['status'] : {};
  const conditions: readonly unknown[] = Array.isArray(status['conditions']) ? status['conditions'] : [];
  const ready = conditions.find((condition) => isRecord(condition) && condition['type'] === 'Ready');
  if (!isRecord(ready) || ready['status'] === 'True') return undefined;
  const text = [ready['reason'], ready['message']].filter((part) => typeof part === 'string').join(': ');
  const at = `condition Ready of node ${node?.metadata?.name ?? ''}`;
  return { why: 'The node is not ready.', evidence: [{ source: 'status', at, text: redact(text) }] };
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** The first container that is down or not ready; of a pod that has none, the first that was restarted. */
function brokenContainer({ containers }: PodView): ContainerView | undefined {
  return (
    containers.find((container) => !container.isInit && isDown(container)) ??
    containers.find(({ status }) => status?.ready === false) ??
    containers.find(({ status }) => status?.lastState?.terminated !== undefined)
  );
}

function hasLog({ name }: ContainerView, { logs }: PodFacts): boolean {
  const { current, previous } = logs.get(name) ?? {};
  return isRead(current) || isRead(previous);
}

/** How a container ended, and the last that it said. */
function lastWords(broken: ContainerView | undefined, observations: readonly Observation[]): Observation[] {
  const own = observations.filter(({ container }) => container !== undefined && container === broken);
  const ended = own.findLast(({ source, reason }) => source === 'status' && reason !== 'CrashLoopBackOff');
  const said = own.findLast(
    ({ source, text }) => (source === 'log' || source === 'previousLog') && text.trim() !== '',
  );
  return [ended, said].filter((observation) => observation !== undefined);
}
