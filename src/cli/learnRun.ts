import type { Plan } from '../hardening/plan.js';
import type { LearnedProfile, Observation, PodObject } from '../learn/observation.js';
import {
  hardenedAlready,
  learnTargets,
  lostNodes,
  type LearnContainer,
  type RunningPod,
} from '../learn/target.js';
import { openCluster, type CommandCluster } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import { lookIntoNamed } from './doctorTarget.js';
import type { LearnFlags, LearnIo } from './learn.js';
import { learnPlan } from './learnPlans.js';
import { ProgressLine } from './progressLine.js';
import type { LearnRequest } from './learnRequest.js';
import type { Learned } from './learnText.js';
import { watchContainers, type Look } from './learnWatch.js';
import { liveProblem } from './livePlanSettings.js';

/** What tests give in place of the real thing. */
export interface LearnDeps {
  readonly look: Look;
  /** Aborted to end what is under way; else Ctrl-C does. */
  readonly signal: AbortSignal;
  /** How often a copy is looked at, and how long it has to stay ready; milliseconds. */
  readonly verifyPace: { readonly everyMs: number; readonly settleMs: number };
}

/**
 * Learns the profiles of a workload's containers.
 *
 * @returns what is wrong, one line each: none where all that was asked for was done
 * @throws CommandError where the kubeconfig is wrong
 */
export async function learn(
  request: LearnRequest,
  flags: LearnFlags,
  io: LearnIo,
  deps: Partial<LearnDeps> = {},
): Promise<readonly string[]> {
  const cluster = await openCluster(flags);
  const progress = new ProgressLine(io);
  const stop = stopper(deps.signal);
  try {
    return await new LearnRun({ request, cluster, io, progress, signal: stop.signal, deps }).run();
  } catch (error) {
    progress.clear();
    if (error instanceof CommandError) throw error;
    return [liveProblem(error, cluster.server)];
  } finally {
    stop.end();
    cluster.api.close();
  }
}

/** The first Ctrl-C ends what is under way in order; the second ends the process, as ever. */
function stopper(given: AbortSignal | undefined): { readonly signal: AbortSignal; end(): void } {
  if (given) return { signal: given, end: () => undefined };
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const abort = (): void => {
    controller.abort();
    end();
  };
  const end = (): void => {
    for (const name of signals) process.removeListener(name, abort);
  };
  for (const name of signals) process.on(name, abort);
  return { signal: controller.signal, end };
}

/** Containers of one name and image: replicas of each other. */
interface Group {
  readonly containers: readonly LearnContainer[];
  readonly observations: readonly Observation[];
}

/** What a run is given. */
export interface LearnSetting {
  readonly request: LearnRequest;
  readonly cluster: CommandCluster;
  readonly io: LearnIo;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
  readonly deps: Partial<LearnDeps>;
}

class LearnRun {
  private readonly namespace: string;

  constructor(private readonly given: LearnSetting) {
    this.namespace = given.request.namespace ?? given.cluster.namespace;
  }

  async run(): Promise<readonly string[]> {
    const { namespace } = this;
    const { request, cluster } = this.given;
    const own = request.policy && { text: request.policy.text };
    const { plan, missing } = await learnPlan(cluster.api, namespace, own);
    const { containers, problems } = await this.targets();
    if (problems.length > 0) return problems;
    const first = containers[0];
    if (first === undefined) return [];
    if (request.verify) {
      const { verifyObjection } = await import('./learnVerify.js');
      const objection = await verifyObjection(
        cluster.api,
        namespace,
        first.pod,
        plan,
        request.verify,
        this.given.io.stderr,
      );
      if (objection !== undefined) return [objection];
    }
    for (const line of missing) this.note(line);
    const { learned, told } = await this.look(containers, plan);
    if (learned.length === 0) {
      const why = this.given.signal.aborted ? ['interrupted before anything was seen'] : told;
      return why.length > 0 ? why : ['nothing could be seen'];
    }
    for (const line of told) this.note(line);
    const { finish } = await import('./learnFinish.js');
    return finish(learned, { ...this.given, pod: first.pod, namespace, plan, note: this.note });
  }

  /** The containers to be looked at. */
  private async targets(): Promise<{
    readonly containers: readonly LearnContainer[];
    readonly problems: readonly string[];
  }> {
    const { namespace } = this;
    const { request, cluster, progress } = this.given;
    const { target, container } = request;
    const name = `${target.workload.kind.toLowerCase()}/${target.name}`;
    progress.show(`reading ${name}`);
    const looked = await lookIntoNamed(cluster.api, target, namespace);
    const pods: RunningPod[] = [];
    for await (const page of looked.pods) pods.push(...(page as readonly RunningPod[]));
    const { containers, told } = learnTargets(pods, container, await lostNodes(cluster.api, pods));
    progress.clear();
    if (containers.length === 0)
      return {
        containers,
        problems: told.length > 0 ? told : [`${name} has no pods in namespace ${namespace}`],
      };
    for (const line of [...told, ...containers.flatMap(hardenedAlready)]) this.note(line);
    return { containers, problems: [] };
  }

  private async look(
    containers: readonly LearnContainer[],
    plan: Plan,
  ): Promise<{ readonly learned: readonly Learned[]; readonly told: readonly string[] }> {
    const { deps, cluster, request, signal, progress } = this.given;
    const look = deps.look ?? (await import('../learn/observe.js')).observe;
    const { observations, told } = await watchContainers(containers, {
      connection: cluster,
      look,
      watchMs: request.watchMs,
      debugImage: request.debugImage,
      signal,
      progress: (text) => {
        progress.show(text);
      },
    });
    progress.clear();
    const { conclude } = await import('../learn/conclude.js');
    const learned = groupsOf(containers, observations).flatMap((group): Learned[] => {
      const [first] = group.containers;
      if (first === undefined || group.observations.length === 0) return [];
      const context = { pod: first.pod as PodObject, container: first.container.name, plan };
      const profile: LearnedProfile = conclude(group.observations, context);
      return [
        { ...profile, container: first.container.name, image: first.container.image, looks: looksOf(group) },
      ];
    });
    return { learned, told };
  }

  private readonly note = (line: string): void => {
    this.given.progress.clear();
    this.given.io.stderr(`note: ${line}
`);
  };
}

function groupsOf(
  containers: readonly LearnContainer[],
  observations: readonly (readonly Observation[])[],
): readonly Group[] {
  const groups = new Map<string, { containers: LearnContainer[]; observations: Observation[] }>();
  containers.forEach((each, index) => {
    const key = JSON.stringify([each.container.name, each.container.image]);
    const group = groups.get(key) ?? { containers: [], observations: [] };
    group.containers.push(each);
    group.observations.push(...(observations[index] ?? []));
    groups.set(key, group);
  });
  return [...groups.values()];
}

function looksOf({ observations }: Group): Learned['looks'] {
  return observations.map(({ pod, way, at }) => ({ pod, way, at }));
}
