import { isRecord } from '../hardening/locate.js';
import type { RuleId } from '../hardening/rule.js';
import { endsWith, isMet, reaching, type Sighting } from './conditions.js';
import { errnosIn, isOfKernel, type FoundErrno } from './errnoIn.js';
import type { PodFacts } from './facts.js';
import type { Certainty } from './finding.js';
import { lineText, pathNear, portIn, type LineText } from './lineText.js';
import type { Observation } from './observations.js';
import type { ContainerView, PodView } from './podView.js';
import type { Blame, Signature } from './signature.js';
import { SIGNATURES } from './signatures.generated.js';
import type { Written } from './written.js';

/** A signature in a text, and the rules that it points to here. */
export interface Match {
  readonly observation: Observation;
  readonly signature: Signature;
  readonly sighting: Sighting;
  /** The likeliest first; empty where no rule was applied that could have done it. */
  readonly blamed: readonly Blamed[];
}

export interface Blamed {
  readonly rule: RuleId;
  readonly blame: Blame;
  readonly certainty: Certainty;
  /** What the rule wrote. */
  readonly field: Written;
}

interface Compiled {
  readonly signature: Signature;
  readonly pattern: RegExp | undefined;
  readonly unless: RegExp | undefined;
}

const COMPILED: readonly Compiled[] = SIGNATURES.map((signature) => ({
  signature,
  pattern: signature.pattern === undefined ? undefined : new RegExp(signature.pattern, 'i'),
  unless: signature.unless === undefined ? undefined : new RegExp(signature.unless, 'i'),
}));

/** What of a pod is looked at with every text. */
export interface Scene {
  readonly pod: PodView;
  readonly facts: PodFacts;
  readonly written: readonly Written[];
}

/** The first signature that fits what was said; undefined where none does. */
export function match(observation: Observation, scene: Scene): Match | undefined {
  const line = lineText(observation.text);
  const errnos = errnosIn(line);
  for (const compiled of COMPILED) {
    const sighting = sightingOf(compiled, observation, line, errnos, scene);
    if (!sighting) continue;
    const { signature } = compiled;
    return { observation, signature, sighting, blamed: blame(signature, sighting, observation, line) };
  }
  return undefined;
}

function sightingOf(
  { signature, pattern, unless }: Compiled,
  observation: Observation,
  line: LineText,
  errnos: readonly FoundErrno[],
  scene: Scene,
): Sighting | undefined {
  const { reasons, errnos: wanted, when = [] } = signature;
  if (reasons && (observation.reason === undefined || !reasons.includes(observation.reason)))
    return undefined;
  const errno = wanted && errnos.find((found) => wanted.includes(found.errno));
  // A pattern names what the program did, so the error can be nobody else's.
  if (wanted && (!errno || !(pattern || isOfKernel(line, errno)))) return undefined;
  const found = pattern?.exec(line.text);
  if (pattern && !found) return undefined;
  if (unless?.test(line.text) === true) return undefined;
  const sighting: Sighting = {
    ...scene,
    container: observation.container ?? containerNamed(line.text, scene.pod, reasons),
    text: line.text,
    named: found?.[1],
    path: reasons ? undefined : pathNear(line.text, errno?.at ?? line.text.length),
    port: portIn(line.text),
  };
  return when.every((condition) => isMet(condition, sighting)) ? sighting : undefined;
}

/** The kubelet's and the API server's words on a pod name the container they are about. */
function containerNamed(
  text: string,
  pod: PodView,
  reasons: readonly string[] | undefined,
): ContainerView | undefined {
  const name = reasons && /\bContainer ([a-z0-9-]{1,63}) exceeded\b/.exec(text)?.[1];
  return name === undefined ? undefined : pod.container(name);
}

function blame(
  { blames, isSurvivable = false }: Signature,
  sighting: Sighting,
  observation: Observation,
  line: LineText,
): Blamed[] {
  const isWell = observation.isOfWell === true;
  if (isWell && (isSurvivable || isOfTool(line))) return [];
  const blamed: Blamed[] = [];
  for (const candidate of blames) {
    if (blamed.some(({ rule }) => rule === candidate.rule)) continue;
    const end = candidate.field;
    const fields = reaching(sighting.written, candidate.rule, sighting.container).filter(
      (field) => end === undefined || endsWith(field, end),
    );
    const field =
      fields.find(
        ({ after }) => isRecord(after) && 'emptyDir' in after && after['name'] === sighting.named,
      ) ??
      fields.find(({ isCompared }) => isCompared) ??
      fields[0];
    if (!field || !(candidate.when ?? []).every((condition) => isMet(condition, sighting))) continue;
    const certainty = certaintyOf(candidate, field, blamed.length === 0, observation, line);
    blamed.push({ rule: candidate.rule, blame: candidate, certainty, field });
  }
  // A container that works may say what it likes, unless nobody can tell whether we touched it.
  const isIdle =
    isWell && blamed.every(({ certainty, field }) => certainty === 'possible' && field.isCompared);
  return isIdle ? [] : blamed;
}

/** A line of a tool that an entrypoint calls, or of its shell: what the program itself has in its way it says itself. */
function isOfTool({ text }: LineText): boolean {
  return /^(?:\S{1,200}: (?:line )?\d{1,5}: |(?:\/\S{1,100}\/)?(?:cat|chgrp|chmod|chown|cp|find|grep|install|ln|ls|mkdir|mv|rm|sed|tee|touch|groupmod|usermod): )/.test(
    text,
  );
}

/** Of a log, as many lines may follow what ended a program: a stack trace. */
const TRACE_LINES = 60;

function certaintyOf(
  { certainty }: Blame,
  { isCompared }: Written,
  isFirst: boolean,
  { linesAfter = 0, isOfDead, isOfWell }: Observation,
  { level }: LineText,
): Certainty {
  if (!isCompared || !isFirst) return 'possible';
  if (certainty !== 'likely') return certainty;
  const isSaidInPassing = level === 'quiet' || (level === 'warning' && isOfWell === true);
  const isLongBefore = isOfDead && linesAfter > TRACE_LINES;
  return isSaidInPassing || isLongBefore ? 'possible' : 'likely';
}
