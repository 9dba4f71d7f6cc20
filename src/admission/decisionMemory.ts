import type { Plan } from '../hardening/plan.js';
import type { ToldDecision, ToldRequest } from './types.js';

/** A decision that has been made, and its answer. */
export interface Remembered {
  /** It holds for this plan alone: a changed label, policy or expired exception makes another. */
  readonly plan: Plan;
  /** All of the answer that follows the uid. */
  readonly answer: string;
  /** With another uid. */
  readonly request: ToldRequest;
  readonly decision: ToldDecision;
}

/** What one generation takes; there are two. A pod of two containers takes about 12 KB. */
const GENERATION_BYTES = 4 * 1024 * 1024;
/** More is not kept: thousands of containers, of which there are few. */
const REMEMBERED_BYTES_MAX = 256 * 1024;
/** Of a change, skip or violation that the log and the metrics are told of (measured: 37). */
const TOLD_BYTES = 48;
/** Texts that came once: so many that the pods of a burst are among them, and few enough to be forgotten young. */
const RECENT_TEXTS = 128;
const RECENT_CHARACTERS = 512 * 1024;

/**
 * Decisions by the text that they were made from (see essence.ts). A decision is a function of that text and the plan, so
 * what is kept is what would be decided again, and nobody can put anything else there. A text is kept when it comes
 * again soon, so that pods of which there is one take no room. Two generations: what is asked for goes into the young
 * one, and the old one is forgotten when that is full.
 */
export class DecisionMemory {
  private young = new Map<string, Remembered>();
  private old = new Map<string, Remembered>();
  private bytes = 0;
  /** In the order in which they came. */
  private readonly recent = new Set<string>();
  private recentCharacters = 0;

  find(text: string): Remembered | undefined {
    const found = this.young.get(text);
    if (found !== undefined) return found;
    const older = this.old.get(text);
    if (older !== undefined) this.keep(text, older);
    return older;
  }

  /** @param make called where the text is worth being kept */
  offer(text: string, make: () => Remembered): void {
    if (this.young.has(text) || this.recent.has(text)) this.keep(text, make());
    else this.seen(text);
  }

  private keep(text: string, remembered: Remembered): void {
    const bytes = bytesOf(text, remembered);
    if (bytes > REMEMBERED_BYTES_MAX) return;
    this.bytes += bytes;
    if (this.bytes > GENERATION_BYTES) {
      this.old = this.young;
      this.young = new Map();
      this.bytes = bytes;
    }
    this.young.set(text, remembered);
  }

  private seen(text: string): void {
    this.recent.add(text);
    this.recentCharacters += text.length;
    for (const oldest of this.recent) {
      if (this.recent.size <= RECENT_TEXTS && this.recentCharacters <= RECENT_CHARACTERS) break;
      this.recent.delete(oldest);
      this.recentCharacters -= oldest.length;
    }
  }
}

function bytesOf(text: string, { answer, decision }: Remembered): number {
  const told = decision.changes.length + decision.skips.length + decision.violations.length;
  return text.length + answer.length + told * TOLD_BYTES;
}
