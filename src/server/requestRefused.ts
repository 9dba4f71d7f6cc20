import type { Refusal } from '../telemetry/metrics.js';
import type { StatusReason } from '../admission/kubernetesStatus.js';

/** Thrown where the admission listener refuses a request before the engine has seen it. */
export class RequestRefused extends Error {
  readonly code = 'RequestRefused';
  constructor(
    readonly reason: StatusReason,
    readonly refusal: Refusal,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'RequestRefused';
  }
}

/** 503: an API server tries again after a second, for as long as its timeout allows. */
export function overBudget(message: string): RequestRefused {
  return new RequestRefused('ServiceUnavailable', 'overBudget', message, { 'retry-after': '1' });
}

/** 504: the client's time is over, or will be before an answer arrives. */
export function tooLate(): RequestRefused {
  return new RequestRefused('Timeout', 'late', 'no decision within the timeout of the request');
}

/** Thrown where the client went away before its request was complete, or was decided: there is nobody to answer. */
export class ClientGone extends Error {
  readonly code = 'ClientGone';
  constructor() {
    super('the client went away before its answer');
    this.name = 'ClientGone';
  }
}
