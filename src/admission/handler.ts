import type { Plan } from '../hardening/plan.js';
import type { Entry, PlanSource } from '../policy/planSource.js';
import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import { decide } from './decide.js';
import { DecisionMemory, planNumber, type Remembered } from './decisionMemory.js';
import { essenceOf, TOKEN_MARK, type Essence } from './essence.js';
import { InvalidObjectError } from './invalidObjectError.js';
import { kubernetesStatus, type StatusReason } from './kubernetesStatus.js';
import { managedFieldsOf, type ManagedFields } from './managedFields.js';
import { answerTo, decodeText, encodeDecision, reviewText } from './review.js';
import { ReviewError } from './reviewError.js';
import { namespaceOf } from './text.js';
import { toldDecision } from './toldDecision.js';
import type { AdmissionRequest, Decision, ToldDecision, ToldRequest } from './types.js';

/** An answer to POST /mutate; the body is JSON. */
export interface AdmissionAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** To be called once the answer is on its way: tells the observer, which nobody shall wait for. */
  readonly sent?: () => void;
}

/** Answers one request; never throws and never rejects. A promise only where the namespace is not cached yet. */
export type AdmissionHandler = (body: Buffer, entry: Entry) => AdmissionAnswer | Promise<AdmissionAnswer>;

/** Told of every decision: the log and the metrics. */
export interface DecisionObserver {
  /** @param seconds from the whole body to the decision */
  decided(decision: ToldDecision, request: ToldRequest, seconds: number): void;
  /** The request failed with 500; `error` has the stack. */
  failed(error: unknown, uid?: string): void;
}

export interface AdmissionDeps {
  readonly plans: PlanSource;
  /** Milliseconds, monotonic enough to measure with: `performance.now`. */
  readonly timer?: () => number;
  readonly observer: DecisionObserver;
}

/** The longest name there is. */
const TOLD_CHARACTERS = 253;

/** A request as it was read. */
interface Review {
  readonly request: AdmissionRequest;
  /** What it was read from, where a decision can be remembered by it, and the whole text. */
  readonly from?: { readonly digest: string; readonly text: string };
}

/**
 * The straight way from the bytes of an AdmissionReview to the bytes of its answer. The only thing that may be waited
 * for is a namespace that the cache has not seen. What has been decided is not decided again for the same plan.
 */
export function createAdmissionHandler({
  plans,
  observer,
  timer = () => performance.now(),
}: AdmissionDeps): AdmissionHandler {
  const memory = new DecisionMemory();

  const first = (review: Review, plan: Plan, started: number): AdmissionAnswer => {
    const { request, from } = review;
    const decision = decide(request, plan);
    const answer = encodeDecision(decision, from === undefined ? undefined : TOKEN_MARK);
    // What speaks of the token's volume is said of this pod alone.
    if (from !== undefined && answer.isMarked)
      return first({ request: decodeText(from.text) }, plan, started);
    if (from !== undefined && isTold(request, decision))
      memory.offer(from.digest, () => ({
        plan: planNumber(plan),
        answer: answer.text,
        request: toldRequest(request),
        decision: toldDecision(decision),
      }));
    return answered(answerTo(request.uid, answer.text), decision, request, started);
  };

  const again = (known: Remembered, uid: string, started: number): AdmissionAnswer =>
    answered(answerTo(uid, known.answer), known.decision, { ...known.request, uid }, started);

  const answered = (
    body: string,
    decision: ToldDecision,
    request: ToldRequest,
    started: number,
  ): AdmissionAnswer => {
    const seconds = (timer() - started) / 1000;
    return { status: 200, body, sent: () => observe(decision, request, seconds) };
  };

  // A good answer is given whatever becomes of its log line.
  const observe: DecisionObserver['decided'] = (...decided) => {
    try {
      observer.decided(...decided);
    } catch (error) {
      observer.failed(error, decided[1].uid);
    }
  };

  const fail = (error: unknown, uid: string | undefined): AdmissionAnswer => {
    if (error instanceof ReviewError) return failure('BadRequest', error.message);
    if (error instanceof InvalidObjectError) return failure('BadRequest', `request.object: ${error.message}`);
    observer.failed(error, uid);
    if (error instanceof PlanUnavailableError) return failure('InternalError', error.message);
    return failure('InternalError', `kube-harden failed on this object: ${(error as Error).message}`);
  };

  const withPlan = (
    request: ToldRequest,
    uid: string,
    entry: Entry,
    answer: (plan: Plan) => AdmissionAnswer,
  ): AdmissionAnswer | Promise<AdmissionAnswer> => {
    try {
      const plan = plans.planFor(namespaceOf(request), entry);
      if (!(plan instanceof Promise)) return answer(plan);
      return plan.then(answer).catch((error: unknown) => fail(error, uid));
    } catch (error) {
      return fail(error, uid);
    }
  };

  return (body, entry) => {
    const started = timer();
    let review: Review;
    try {
      const text = reviewText(body);
      const managed = managedFieldsOf(text, body);
      const essence = essenceOf(text, managed);
      const known = essence === undefined ? undefined : memory.find(essence.digest);
      if (essence !== undefined && known !== undefined) {
        const { uid } = essence;
        return withPlan(known.request, uid, entry, (plan) =>
          planNumber(plan) === known.plan
            ? again(known, uid, started)
            : first(read(text, managed, essence), plan, started),
        );
      }
      review = read(text, managed, essence);
    } catch (error) {
      return fail(error, undefined);
    }
    const { request } = review;
    return withPlan(request, request.uid, entry, (plan) => first(review, plan, started));
  };
}

/** Without the entries of managedFields where they have been looked at, so that nothing is made of them. */
function read(text: string, managed: ManagedFields, essence: Essence | undefined): Review {
  try {
    if (essence !== undefined) {
      const request = decodeText(essence.text, essence.uid);
      if (managed === 'none' || hasNoEntries(request))
        return { request, from: { digest: essence.digest, text } };
    } else if (typeof managed === 'object') {
      const request = decodeText(text.slice(0, managed.start) + text.slice(managed.end));
      if (hasNoEntries(request)) return { request };
    }
  } catch (error) {
    // Where it is no JSON is said of the whole text. What else is wrong is wrong in the whole as well, and large ones are not
    // read twice to say so.
    if (essence === undefined && error instanceof ReviewError && error.cause === undefined) throw error;
  }
  return { request: decodeText(text) };
}

/** Whether it was the object's own list whose entries were left out, and nothing else that has that name. */
function hasNoEntries({ object }: AdmissionRequest): boolean {
  const list: unknown = object?.metadata?.['managedFields'];
  return Array.isArray(list) && list.length === 0;
}

/** Whether what is told of it is as short as it is of every object that an API server accepts. */
function isTold(
  { kind, operation, namespace, name, object }: AdmissionRequest,
  { because }: Decision,
): boolean {
  const { name: own, generateName, namespace: at } = object?.metadata ?? {};
  return [
    kind.group,
    kind.version,
    kind.kind,
    operation,
    namespace,
    name,
    own,
    generateName,
    at,
    because,
  ].every(isShort);
}

/** Of metadata nobody has looked at the types, where nothing was decided. */
function isShort(text: unknown): boolean {
  return text === undefined || text === null || (typeof text === 'string' && text.length <= TOLD_CHARACTERS);
}

/** Without the pod itself, which would take ten times the room. */
function toldRequest({ kind, operation, namespace, name, dryRun, object }: AdmissionRequest): ToldRequest {
  const { name: own, generateName, namespace: at } = object?.metadata ?? {};
  const metadata = { name: own, generateName, namespace: at };
  const { group, version, kind: ofKind } = kind;
  const told = { group, version, kind: ofKind };
  return { uid: '', kind: told, operation, namespace, name, dryRun: dryRun === true, object: { metadata } };
}

function failure(reason: StatusReason, message: string): AdmissionAnswer {
  const status = kubernetesStatus(reason, message);
  return { status: status.code, body: JSON.stringify(status) };
}
