import type { PodFacts } from './facts.js';
import type { Diagnosis, Evidence } from './finding.js';
import type { Match } from './match.js';
import { isDown, type Observation } from './observations.js';
import type { PodView } from './podView.js';
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

/** The case that nothing points to a rule: in one sentence why, with what was said last. */
export function notHardening(
  found: Case,
  observations: readonly Observation[],
  redact: Redact,
): NonNullable<Diagnosis['notHardening']> {
  const shown = (observation: Observation): Evidence => ({
    source: observation.source,
    at: observation.at,
    text: redact(observation.text),
  });
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
  const probe = observations.findLast(({ reason }) => reason === 'Unhealthy' || reason === 'ProbeError');
  const evidence = [...lastWords(found.pod, observations), ...(probe ? [probe] : [])].map(shown);
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

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** How the first container that is down or not ready ended, and the last that it said. */
function lastWords(pod: PodView, observations: readonly Observation[]): Observation[] {
  const broken =
    pod.containers.find((container) => !container.isInit && isDown(container)) ??
    pod.containers.find(({ status }) => status?.ready === false);
  const own = observations.filter(({ container }) => container !== undefined && container === broken);
  const ended = own.findLast(({ source, reason }) => source === 'status' && reason !== 'CrashLoopBackOff');
  const said = own.findLast(
    ({ source, text }) => (source === 'log' || source === 'previousLog') && text.trim() !== '',
  );
  return [ended, said].filter((observation) => observation !== undefined);
}
