import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ImageProfile } from '../../../../src/hardening/plan.js';
import { applyPolicy } from '../../support/hardeningPolicies.js';
import { pause } from '../../support/wait.js';
import { makeNamespace, world } from '../../support/world.js';
import { kubeHarden, type CommandResult } from '../command.js';
import { ProgramPod } from '../programPod.js';
import { read, runProgram, write, type Outcome } from '../programRun.js';
import type { RunnableProgram } from '../programs/program.js';
import { theNode } from '../theNode.js';
import { keepBusy } from './keepBusy.js';
import { layerFiles } from './layerFiles.js';

/** What learn made of a program that ran as it is, and what came of the program with that. */
export interface Learned {
  readonly command: CommandResult;
  /** Undefined where it wrote none. */
  readonly profile: ImageProfile | undefined;
  /** Files that are in the container's own layer after learn and were not before, by path. */
  readonly left: readonly string[];
  /** Processes of the container after learn that were not there before. */
  readonly stayed: readonly string[];
  /** In a namespace that enforces, by the profile alone; undefined where there is none. */
  readonly hardened?: Outcome;
}

export interface LearnOptions {
  /** Further arguments of the command. */
  readonly args?: readonly string[];
}

/** A name that no entry of the catalogue matches. */
export function learntImage({ id }: RunnableProgram): string {
  return `registry.example/learnt/${id.toLowerCase()}`;
}

/**
 * Runs a program as it is and uses it, has `learn` write its profile into a policy file, and runs the program once more,
 * where that policy is in force.
 */
export async function learnProgram(program: RunnableProgram, options: LearnOptions = {}): Promise<Learned> {
  const image = `${learntImage(program)}:1`;
  await theNode().nameImage(program.image.name, image);
  const learned = await learnRunning(program, image, options);
  const { policy, profile } = learned;
  if (profile === undefined) return learned;
  await applyPolicy(policy.metadata.name, policy.spec);
  const namespace = await makeNamespace({
    'kube-harden.io/mode': 'enforce',
    'kube-harden.io/policy': policy.metadata.name,
  });
  return { ...learned, hardened: await runProgram(program, { namespace, spec: program.pod(image) }) };
}

interface PolicyFile {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly imageProfiles?: readonly ImageProfile[] };
}

async function learnRunning(
  program: RunnableProgram,
  image: string,
  { args = [] }: LearnOptions,
): Promise<Learned & { readonly policy: PolicyFile }> {
  const namespace = await makeNamespace();
  const pod = await ProgramPod.create(namespace, program.id.toLowerCase(), program.pod(image));
  try {
    const host = await pod.becomesReady();
    await read(program, pod, host, await write(program, pod, host));
    const file = policyFile(program);
    await keepBusy(program, pod, host);
    const [files, processes] = [await layerFiles(pod), await pod.processes()];
    const target = [`pod/${pod.name}`, '--namespace', namespace];
    const command = await kubeHarden(['learn', ...target, '--policy', file, '--write', ...args]);
    const filesAfter = await layerFiles(pod);
    const policy = parse(readFileSync(file, 'utf8')) as PolicyFile;
    return {
      command,
      policy,
      profile: policy.spec.imageProfiles?.[0],
      left: [...filesAfter].filter((path) => !files.has(path)),
      stayed: await stayedIn(pod, new Set(processes.map(({ command }) => command))),
    };
  } finally {
    await pod.remove();
  }
}

/** A readiness probe of the kubelet's comes and goes: what is there a while later has stayed. */
const PROBE_MS = 5000;

/** @param own command lines of the program's own processes, of which it may start more */
async function stayedIn(pod: ProgramPod, own: ReadonlySet<string>): Promise<string[]> {
  const after = (await pod.processes()).filter(({ command }) => !own.has(command));
  if (after.length === 0) return [];
  await pause(PROBE_MS);
  const later = new Set((await pod.processes()).map(({ pid }) => pid));
  return after.filter(({ pid }) => later.has(pid)).map(({ command }) => command);
}

/** A policy as `default`, in which nobody has written anything yet. */
function policyFile(program: RunnableProgram): string {
  const { folder } = world().controlPlane;
  mkdirSync(folder.file('learnt'), { recursive: true });
  const name = program.id.toLowerCase();
  const file = folder.file('learnt', `${name}.yaml`);
  writeFileSync(
    file,
    `# What runs here.
apiVersion: kube-harden.io/v1alpha1
kind: HardeningPolicy
metadata:
  name: e2e-learnt-${name}
spec: {}
`,
  );
  return file;
}
