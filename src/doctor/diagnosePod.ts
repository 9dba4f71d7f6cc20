import type { RuleId } from '../hardening/rule.js';
import type { PodFacts } from './facts.js';
import type { Certainty, Diagnosis, Evidence, Finding } from './finding.js';
import { causeOf } from './cause.js';
import { match, type Blamed, type Match } from './match.js';
import { notHardening } from './notHardening.js';
import { isRead, observe, type Observation } from './observations.js';
import { PodView, type ContainerView } from './podView.js';
import { redactFor, type Redact } from './redact.js';
import { remediesFor } from './remedies.js';
import { symptomOf } from './symptom.js';
import { writtenFields } from './written.js';

/** As many lines as show it; the others say the same. */
const EVIDENCE_MAX = 3;
const CERTAINTIES: readonly Certainty[] = ['certain', 'likely', 'possible'];

/**
 * Finds out whether hardening is why a pod does not work, and which rule: what the kubelet, the scheduler and the
 * program said is compared with known signatures, and a rule is named only where it changed what is said to fail.
 *
 * @param now milliseconds since the epoch: how long ago a restart was, and when a proposed exception ends
 */
export function diagnosePod(facts: PodFacts, now = Date.now()): Diagnosis {
  const pod = new PodView(facts.pod);
  const written = writtenFields(facts);
  const observations = observe(pod, facts, now);
  const redact = redactFor(facts.pod);
  const matches = observations.flatMap((observation) => match(observation, { pod, facts, written }) ?? []);
  const findings = new Findings(redact, now).of(matches);

  const seen = symptomOf(pod, facts.events, now);
  const complains = findings.some(({ certainty }) => certainty !== 'possible');
  const symptom = seen ?? (complains ? `${pod.status.phase ?? 'Running'}, and complains` : undefined);
  const base = {
    namespace: pod.namespace,
    object: `pod/${pod.name}`,
    ...(pod.owner !== undefined && { owner: pod.owner }),
    findings,
    missing: [...facts.missing, ...unreadLogs(facts)],
  };
  if (symptom === undefined) return { ...base, state: 'healthy' };
  const other =
    findings.length === 0 ? notHardening({ pod, facts, written, matches }, observations, redact) : undefined;
  return { ...base, state: 'broken', symptom, ...(other && { notHardening: other }) };
}

/** Logs that the kubelet has no more, in the words in which it says so. */
function unreadLogs({ logs }: PodFacts): string[] {
  return [...logs].flatMap(([name, { current, previous }]) =>
    [current, previous].flatMap((log, index) =>
      log === undefined || isRead(log)
        ? []
        : [`${index === 0 ? 'log' : 'previous log'} of container "${name}": ${log.lines[0] ?? ''}`],
    ),
  );
}

/** A rule that is blamed for a container, with all that speaks for it. */
interface Suspicion {
  readonly match: Match;
  readonly blamed: Blamed;
  certainty: Certainty;
  readonly evidence: Evidence[];
}

class Findings {
  readonly #suspicions = new Map<string, Suspicion>();

  constructor(
    private readonly redact: Redact,
    private readonly now: number,
  ) {}

  of(matches: readonly Match[]): Finding[] {
    const last = lastWords(matches);
    for (const found of [...matches].reverse()) {
      for (const blamed of found.blamed) this.#suspect(found, blamed, isBeforeTheEnd(found, blamed, last));
    }
    return [...this.#suspicions.values()]
      .map((suspicion) => this.#finding(suspicion))
      .sort((a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty));
  }

  #suspect(found: Match, blamed: Blamed, isEarlier: boolean): void {
    const certainty = isEarlier && blamed.certainty === 'likely' ? 'possible' : blamed.certainty;
    const { container } = found.sighting;
    const key = `${container?.name ?? ''} ${blamed.rule}`;
    const evidence = this.#evidence(found.observation);
    const known = this.#suspicions.get(key);
    if (!known || isSurer(certainty, known.certainty)) {
      const others = known?.evidence.filter(({ text }) => text !== evidence.text) ?? [];
      this.#suspicions.set(key, {
        match: found,
        blamed,
        certainty,
        evidence: [evidence, ...others].slice(0, EVIDENCE_MAX),
      });
    } else if (
      known.evidence.length < EVIDENCE_MAX &&
      !known.evidence.some(({ text }) => text === evidence.text)
    ) {
      known.evidence.push(evidence);
    }
  }

  #evidence({ source, at, text }: Observation): Evidence {
    return { source, at, text: this.redact(text) };
  }

  #finding({ match: found, blamed, certainty, evidence }: Suspicion): Finding {
    const { container } = found.sighting;
    return {
      signature: found.signature.id,
      rule: blamed.rule,
      field: blamed.field.field,
      ...(container && { container: container.name }),
      certainty,
      cause: causeOf(found, blamed, this.redact),
      evidence,
      remedies: remediesFor(found, blamed, this.now),
    };
  }
}

function isSurer(a: Certainty, b: Certainty): boolean {
  return CERTAINTIES.indexOf(a) < CERTAINTIES.indexOf(b);
}

/** The rule that is blamed for the last line of each ended container that a rule is blamed for. */
function lastWords(matches: readonly Match[]): ReadonlyMap<ContainerView, RuleId> {
  const last = new Map<ContainerView, RuleId>();
  for (const { observation, blamed } of matches) {
    const [first] = blamed;
    if (isFromDead(observation) && observation.container && first?.certainty === 'likely')
      last.set(observation.container, first.rule);
  }
  return last;
}

/** What ended a program is what it said last; other complaints before that it has lived with. */
function isBeforeTheEnd(
  { observation }: Match,
  { rule }: Blamed,
  last: ReadonlyMap<ContainerView, RuleId>,
): boolean {
  const ended = observation.container && last.get(observation.container);
  return ended !== undefined && isFromDead(observation) && ended !== rule;
}

function isFromDead({ source, isOfDead }: Observation): boolean {
  return isOfDead && (source === 'log' || source === 'previousLog');
}
