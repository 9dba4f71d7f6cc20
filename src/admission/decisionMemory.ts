import type { Plan } from '../hardening/plan.js';
import type { ToldDecision, ToldRequest } from './types.js';

/** A decision that has been made, and its answer. */
export interface Remembered {
  /** It holds for this plan alone, see `planNumber`: a changed label, policy or expired exception makes another. */
  readonly plan: number;
  /** All of the answer that follows the uid. */
  readonly answer: string;
  /** With another uid. */
  readonly request: ToldRequest;
  readonly decision: ToldDecision;
}

/** What one generation takes; there are two. A pod of two containers takes about 4 KB. */
const GENERATION_BYTES = 1024 * 1024;
/** More is not kept: thousands of containers, of which there are few. */
const REMEMBERED_BYTES_MAX = 256 * 1024;
/** Of what is kept beside the answer and what is told: digest, request, names (measured). */
const ENTRY_BYTES = 1280;
/** Of a change, skip or violation that the log and the metrics are told of: a reference, see toldDecision.ts. */
const TOLD_BYTES = 8;
/** Texts that came once: so many that the pods of a burst are among them. */
const RECENT_TEXTS = 1000;

const planNumbers = new WeakMap<Plan, number>();
let lastPlanNumber = 0;

/** Another for each plan. What is remembered knows its plan by it, and so keeps none that has been replaced. */
export function planNumber(plan: Plan): number {
  let number = planNumbers.get(plan);
  if (number === undefined) planNumbers.set(plan, (number = ++lastPlanNumber));
  return number;
}

/**
 * Decisions by the digest of the text that they were made from (see essence.ts). A decision is a function of that text and
 * the plan, so what is kept is what would be decided again, and nobody can put anything else there. It is kept when the
 * text comes again soon, so that pods of which there is one take no room. Two generations: what is asked for goes into
 * the young one, and the old one is forgotten when that is full.
 */
export class DecisionMemory {
  private young = new Map<string, Remembered>();
  private old = new Map<string, Remembered>();
  private bytes = 0;
  /** In the order in which they came. */
  private readonly recent = new Set<string>();

  /** @param digest of an `Essence` */
  find(digest: string): Remembered | undefined {
    const found = this.young.get(digest);
    if (found !== undefined) return found;
    const older = this.old.get(digest);
    if (older !== undefined) this.keep(digest, older);
    return older;
  }

  /** @param make called where the decision is worth being kept */
  offer(digest: string, make: () => Remembered): void {
    if (this.young.has(digest) || this.recent.has(digest)) this.keep(digest, make());
    else this.seen(digest);
  }

  private keep(digest: string, remembered: Remembered): void {
    const bytes = bytesOf(remembered);
    if (bytes > REMEMBERED_BYTES_MAX) return;
    const before = this.young.get(digest);
    this.bytes += bytes - (before === undefined ? 0 : bytesOf(before));
    if (this.bytes > GENERATION_BYTES) {
      this.old = this.young;
      this.young = new Map();
      this.bytes = bytes;
    }
    this.young.set(digest, remembered);
  }

  private seen(digest: string): void {
    this.recent.add(digest);
    for (const oldest of this.recent) {
      if (this.recent.size <= RECENT_TEXTS) break;
      this.recent.delete(oldest);
    }
  }
}

function bytesOf({ answer, decision }: Remembered): number {
  const told = decision.changes.length + decision.skips.length + decision.violations.length;
  return ENTRY_BYTES + answer.length + told * TOLD_BYTES;
}
