import { Command, Option } from 'commander';
import { addClusterFlags, type ClusterFlags } from './clusterFlags.js';
import { CommandError } from './commandError.js';
import type { ProgressIo } from './progressLine.js';
import type { LearnDeps } from './learnRun.js';
import { processIo, type ManifestIo } from './manifestIo.js';

export interface LearnFlags extends ClusterFlags {
  readonly namespace?: string | undefined;
  readonly container?: string | undefined;
  readonly watch?: string | undefined;
  readonly debugImage?: string | undefined;
  /** A file of HardeningPolicies. */
  readonly policy?: string | undefined;
  readonly write?: boolean | undefined;
  readonly verify?: boolean | undefined;
  readonly verifyTimeout?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly output?: 'yaml' | 'json' | undefined;
}

export interface LearnIo extends ManifestIo, ProgressIo {}

const HELP = `
TARGET is a pod, or KIND/NAME as kubectl has it: deploy/web, sts/data, ds/agent, job/once, cj/nightly. Of several replicas
all are looked at, ten at most, and what they do is put together. The containers should run unhardened, and should have
done their work: what a program did not do while it was looked at is not in its profile (--watch 10m looks again and again).
Nothing is written into a container. No environment value and no argument of a process is read.
--debug-image busybox:stable is for a container without a shell: a debug container of that image stays in the pod's spec.
--verify starts the program a second time beside the original, without its labels, owners and data, and removes it; it may
do its work a second time, so it asks for --yes.
Exit status: 0 learned (and verified, and written), 2 error, or not verified.

Example: a pod, a container of all replicas as JSON, and into a policy
  $ kube-harden learn web-0 -n shop
  $ kube-harden learn deploy/web -n shop -c web -o json
  $ kube-harden policy show default > policy.yaml
  $ kube-harden learn deploy/web -n shop --policy policy.yaml`;

/** `kube-harden learn`. What goes wrong is a CommandError, with exit code 2. */
export function learnCommand(io: LearnIo = processLearnIo()): Command {
  const command = new Command('learn')
    .description('look at a running container and write the image profile with which it can be hardened')
    .argument('<target>', 'a pod, or a workload of the cluster such as deploy/web')
    .option('-n, --namespace <name>', 'where it is (default: the context\'s, else "default")')
    .option('-c, --container <name>', 'look at this container alone (default: at all of the pod)')
    .option('--watch <duration>', 'look again and again for so long, as 10m; Ctrl-C ends with what was seen')
    .option(
      '--debug-image <image>',
      'for containers without a shell: an image with sh, find and cat, run beside the program for a moment',
    )
    .option('--policy <file>', 'the HardeningPolicy to put the profile into: prints the diff')
    .option('--write', 'with --policy: write the file')
    .option('--verify', 'try the profile on a hardened copy of the pod, which is removed again')
    .option('--verify-timeout <duration>', 'how long the copy may take to become ready (default: 3m)')
    .option('--yes', 'with --verify: the program may be started a second time')
    .addOption(
      new Option(
        '-o, --output <format>',
        'yaml: with the evidence as comments; json: with it beside the profile',
      )
        .choices(['yaml', 'json'])
        .default('yaml'),
    );
  return addClusterFlags(command)
    .addHelpText('after', HELP)
    .action(async (target: string, flags: LearnFlags) => {
      await runLearn(target, flags, io);
    });
}

function processLearnIo(): LearnIo {
  return { ...processIo(), showsProgress: process.stderr.isTTY };
}

/**
 * @param deps for tests
 * @throws CommandError where a flag is wrong, nothing could be learned, or the profile did not stand the trial
 */
export async function runLearn(
  target: string,
  flags: LearnFlags,
  io: LearnIo,
  deps?: Partial<LearnDeps>,
): Promise<void> {
  const { learnRequest } = await import('./learnRequest.js');
  const request = await learnRequest(target, flags);
  const { learn } = await import('./learnRun.js');
  const problems = await learn(request, flags, io, deps);
  if (problems.length > 0) throw new CommandError(problems);
}
