import { readFileSync } from 'node:fs';
import type { ImageProfile, Plan } from '../hardening/plan.js';
import type { WrittenPolicy } from '../learn/policyWrite.js';
import type { RunningPod } from '../learn/target.js';
import { CommandError } from './commandError.js';
import type { PolicyTarget } from './learnRequest.js';
import { learnPlan, planWithProfiles } from './learnPlans.js';
import type { LearnSetting } from './learnRun.js';
import { learnedText, type Learned } from './learnText.js';
import type { CopyVerification } from './learnVerify.js';
import { liveProblem } from './livePlanSettings.js';
import { writeOut } from './manifestIo.js';

export interface FinishSetting extends LearnSetting {
  readonly namespace: string;
  /** Of which a copy is tried. */
  readonly pod: RunningPod;
  /** What holds in the namespace without what was learned. */
  readonly plan: Plan;
  /** Told what a person should know, one line each. */
  readonly note: (line: string) => void;
}

/**
 * Tries, prints and writes what was learned: printed is it in any case, for it may have taken ten minutes.
 *
 * @returns what went wrong, one line each
 */
export async function finish(
  learned: readonly Learned[],
  setting: FinishSetting,
): Promise<readonly string[]> {
  const { request, io, note, cluster } = setting;
  const { policy } = request;
  const isWritten = policy?.write === true;
  const problems: string[] = [];
  const { byImage, united } = await import('../learn/united.js');
  const all = byImage(learned).map((each) => united(each));
  const profiles = all.map(({ profile }) => profile);
  const written = policy && (await writtenPolicy(profiles, policy, setting.plan, problems));
  const verification = request.verify && (await tried(profiles, written, setting, problems));
  if (verification) {
    const { verificationText } = await import('./learnVerify.js');
    io.stderr(verificationText(verification, cluster.server));
  }
  // What is said of a container alone stands in its own entry.
  const known = new Set(learned.flatMap(({ warnings }) => warnings));
  if (request.output === 'json' || (policy && !isWritten))
    for (const line of all.flatMap(({ warnings }) => warnings)) if (!known.has(line)) note(line);
  for (const line of written?.told ?? []) note(line);
  for (const line of knownLines(learned, setting.plan, written !== undefined)) note(line);
  if (written && !isWritten) {
    const { colouredDiff } = await import('../preview/diff.js');
    await writeOut(io, io.colour ? colouredDiff(written.diff) : written.diff, problems);
  } else await writeOut(io, await learnedText(learned, verification, request.output), problems);
  if (!policy || !isWritten) return problems;
  if (written && problems.length === 0) await put(profiles, written, policy, setting, problems);
  else io.stderr(`${policy.file}: not written\n`);
  return problems;
}

/**
 * Of images that have a profile already: one from a policy takes its place, and does not add to it.
 *
 * @param isMerged what stands in the policy has taken up what was learned
 */
function knownLines(learned: readonly Learned[], plan: Plan, isMerged: boolean): string[] {
  return [...new Set(learned.map(({ image }) => image))].flatMap((image) => {
    const match = plan.imageProfiles.lookup(image);
    if (!match || (match.fromPolicy && isMerged)) return [];
    const where = match.fromPolicy ? `in policy "${plan.policy}"` : 'built in';
    return [`${image} has a profile already, ${where} (${match.pattern}): this one would take its place`];
  });
}

/** The policy file's text with the profiles; undefined where they cannot be put there: the problems say why. */
async function writtenPolicy(
  profiles: readonly ImageProfile[],
  { file, text }: PolicyTarget,
  plan: Plan,
  problems: string[],
): Promise<WrittenPolicy | undefined> {
  const [{ writeProfiles, PolicyWriteError }, { YamlEditError }, { PolicyError }] = await Promise.all([
    import('../learn/policyWrite.js'),
    import('../preview/yamlEditError.js'),
    import('../policy/policyError.js'),
  ]);
  try {
    return writeProfiles(text, profiles, { name: file, policy: plan.policy });
  } catch (error) {
    if (error instanceof PolicyError) problems.push(...error.message.split('\n'));
    else if (error instanceof PolicyWriteError || error instanceof YamlEditError)
      problems.push(`--policy: ${file}: ${error.message}`);
    else throw error;
    return undefined;
  }
}

/** A copy with the profiles; undefined where there was none: the problems say why. */
async function tried(
  profiles: readonly ImageProfile[],
  written: WrittenPolicy | undefined,
  setting: FinishSetting,
  problems: string[],
): Promise<CopyVerification | undefined> {
  const { request, cluster, namespace, pod, plan, signal, progress, note, deps } = setting;
  if (!request.verify) return undefined;
  if (signal.aborted) {
    problems.push('not verified: interrupted');
    return undefined;
  }
  try {
    const { verifyCopy } = await import('./learnVerify.js');
    const verification = await verifyCopy({
      cluster,
      namespace,
      pod,
      // With a policy file: as it will be once that is applied.
      plan: written
        ? (await learnPlan(cluster.api, namespace, written)).plan
        : planWithProfiles(plan, profiles),
      timeoutMs: request.verify.timeoutMs,
      signal,
      pace: deps.verifyPace,
      progress: (text) => {
        progress.show(text);
      },
      warn: note,
    });
    if (!verification.passed) problems.push(`not verified: pod ${verification.pod}: ${verification.outcome}`);
    return verification;
  } catch (error) {
    const lines = error instanceof CommandError ? error.lines : [liveProblem(error, cluster.server)];
    problems.push(...lines.map((line) => `not verified: ${line}`));
    return undefined;
  } finally {
    progress.clear();
  }
}

/** The file may have been changed while containers were looked at or a copy was tried: what it holds now counts. */
async function put(
  profiles: readonly ImageProfile[],
  before: WrittenPolicy,
  policy: PolicyTarget,
  { io, note, plan }: FinishSetting,
  problems: string[],
): Promise<void> {
  const { file } = policy;
  const [{ NotReplaceable, replaceFile }, { systemReason }] = await Promise.all([
    import('./replaceFile.js'),
    import('./systemReason.js'),
  ]);
  try {
    const text = readFileSync(file, 'utf8');
    const isSame = text === policy.text;
    const written = isSame ? before : await writtenPolicy(profiles, { ...policy, text }, plan, problems);
    if (written === undefined) {
      io.stderr(`${file}: not written\n`);
      return;
    }
    if (!isSame) note(`${file} was changed meanwhile: the profile goes into what it holds now`);
    if (written.diff === '') return;
    replaceFile(file, written.text);
    io.stderr(`${file}: written: imageProfiles of policy "${written.policy}"\n`);
  } catch (error) {
    const reason = error instanceof NotReplaceable ? error.message : systemReason(error);
    problems.push(`${file}: not written: ${reason}`);
  }
}
