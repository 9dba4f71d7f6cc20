import { pollPhase } from '../admission/pollPhase.js';
import type { Deadline } from './deadline.js';
import { CONNECTIONS_MAX } from './listener.js';
import { ClientGone, overBudget, tooLate, type RequestRefused } from './requestRefused.js';

export interface LineLimits {
  /** How long decisions are made before the event loop looks for what else has come; longer where looking took longer. */
  readonly turnMs: number;
  /** How long a request may wait for its decision, once it is read, while others wait behind it. */
  readonly waitMs: number;
}

/** More than connections have requests that are not sent ahead; the rest gets 503 at once. */
const PLACES_MAX = 4 * CONNECTIONS_MAX;
/** Others have to be served too: readers, handshakes, probes. */
const LONGEST_TURN_MS = 250;

/** One whose request is read and waits. */
export interface Waiter {
  readonly deadline: Deadline;
  readonly isGone: () => boolean;
}

interface Place extends Waiter {
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Where requests wait for their decisions when more come than can be made, first come, first served. Nobody is in it
 * otherwise: a turn of the event loop then has time for all that it finds.
 *
 * What has waited too long is refused when it comes to be the first, and not when it joins the line: reading costs a
 * quarter of a decision (measured, for 138 KB), and who is refused at once is back a second later to be read again.
 * The last one in the line is not refused: that would shorten nobody's wait.
 */
export class DecisionLine {
  private readonly places: Place[] = [];
  private began: number | undefined;
  private woken = 0;

  constructor(private readonly limits: LineLimits) {}

  /**
   * Undefined where the decision can be made now; else a promise of when.
   * The promise rejects with RequestRefused or ClientGone.
   */
  join(waiter: Waiter): Promise<void> | undefined {
    const now = performance.now();
    if (this.places.length === 0 && !this.isSpent(now)) return undefined;
    if (this.places.length >= PLACES_MAX) return Promise.reject(tooMany());
    if (this.places.length === 0) this.wake();
    return new Promise((resolve, reject) => {
      waiter.deadline.whenPassed(() => reject(tooLate()));
      this.places.push({ ...waiter, since: now, resolve, reject });
    });
  }

  /** Whether the turn that goes on has been at work for long enough. The first question begins it. */
  private isSpent(now: number): boolean {
    if (this.began === undefined) {
      this.began = now;
      // Runs once every socket that was ready has been served.
      setImmediate(this.endTurn);
    }
    return now - this.began > this.limits.turnMs;
  }

  private readonly endTurn = (): void => {
    this.began = undefined;
  };

  /** When the event loop has gone on, and in the phase in which answers can be written. */
  private wake(): void {
    this.woken = performance.now();
    setImmediate(() => void pollPhase().then(() => this.serve()));
  }

  private serve(): void {
    const now = performance.now();
    // As long as all the rest took, or what else there is to do in a turn would leave no time for decisions.
    const end = now + Math.max(this.limits.turnMs, Math.min(now - this.woken, LONGEST_TURN_MS));
    const next = (): void => {
      const now = performance.now();
      const place = now < end ? this.places.shift() : undefined;
      if (place !== undefined) {
        this.call(place, now);
        // Behind the microtask that makes the decision.
        queueMicrotask(next);
      } else if (this.places.length > 0) {
        this.wake();
      }
    };
    next();
  }

  private call({ since, deadline, isGone, resolve, reject }: Place, now: number): void {
    if (isGone()) reject(new ClientGone());
    else if (deadline.passed) reject(tooLate());
    else if (now - since > this.limits.waitMs && this.places.length > 0) reject(tooMany());
    else resolve();
  }
}

function tooMany(): RequestRefused {
  return overBudget('too many requests are waiting; try again in a second');
}
