import { PlanUnavailableError } from '../policy/planUnavailableError.js';
import type { Entry, PlanSource } from '../policy/planSource.js';
import type { Plan } from '../hardening/plan.js';
import { decide } from './decide.js';
import { InvalidObjectError } from './invalidObjectError.js';
import { kubernetesStatus, type StatusReason } from './kubernetesStatus.js';
import { decodeReview, encodeReview } from './review.js';
import { ReviewError } from './reviewError.js';
import { namespaceOf } from './text.js';
import type { AdmissionRequest, Decision } from './types.js';

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
  decided(decision: Decision, request: AdmissionRequest, seconds: number): void;
  /** The request failed with 500; `error` has the stack. */
  failed(error: unknown, uid?: string): void;
}

export interface AdmissionDeps {
  readonly plans: PlanSource;
  /** Milliseconds, monotonic enough to measure with: `performance.now`. */
  readonly timer?: () => number;
  readonly observer: DecisionObserver;
}

/**
 * The straight way from the bytes of an AdmissionReview to the bytes of its answer. The only thing that may be waited
 * for is a namespace that the cache has not seen.
 */
export function createAdmissionHandler({
  plans,
  observer,
  timer = () => performance.now(),
}: AdmissionDeps): AdmissionHandler {
  const answer = (request: AdmissionRequest, plan: Plan, started: number): AdmissionAnswer => {
    const decision = decide(request, plan);
    const body = encodeReview(request, decision);
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

  return (body, entry) => {
    const started = timer();
    let request: AdmissionRequest;
    try {
      request = decodeReview(body);
    } catch (error) {
      return fail(error, undefined);
    }
    const { uid } = request;
    try {
      const plan = plans.planFor(namespaceOf(request), entry);
      if (!(plan instanceof Promise)) return answer(request, plan, started);
      return plan
        .then((found) => answer(request, found, started))
        .catch((error: unknown) => fail(error, uid));
    } catch (error) {
      return fail(error, uid);
    }
  };
}

function failure(reason: StatusReason, message: string): AdmissionAnswer {
  const status = kubernetesStatus(reason, message);
  return { status: status.code, body: JSON.stringify(status) };
}
