import type { Plan } from '../hardening/plan.js';
import type { Essence } from './essence.js';
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

/** Of the texts of one generation, with their answers; there are two. A pod of two containers takes about 12 KB. */
const GENERATION_CHARACTERS = 4 * 1024 * 1024;
/** Longer ones are rare, and cost the most room. */
const TEXT_CHARACTERS_MAX = 64 * 1024;
/** A power of two: a slot's number is the last bits of a sum. */
const SEEN_SLOTS = 4096;
interface Kept extends Remembered {
  readonly text: string;
}

/**
 * Decisions by the text that they were made from (see essence.ts). A decision is a function of that text and the plan, so
 * what is kept is what would be decided again, and nobody can put anything else there. A text is kept when it comes a
 * second time, so that pods of which there is one cost no more than a number. Two generations: what is asked for goes
 * into the young one, and the old one is forgotten when that is full.
 */
export class DecisionMemory {
  private young = new Map<number, Kept>();
  private old = new Map<number, Kept>();
  private characters = 0;
  private readonly seen = new Uint32Array(SEEN_SLOTS);

  find({ text, sum }: Essence): Remembered | undefined {
    const found = this.young.get(sum);
    if (found !== undefined) return found.text === text ? found : undefined;
    const older = this.old.get(sum);
    if (older?.text !== text) return undefined;
    this.keep(sum, older);
    return older;
  }

  /** @param make called where the text is worth being kept */
  offer({ text, sum }: Essence, make: () => Remembered): void {
    const slot = sum % SEEN_SLOTS;
    const comesAgain = this.seen[slot] === sum;
    this.seen[slot] = sum;
    if (comesAgain && text.length <= TEXT_CHARACTERS_MAX) this.keep(sum, { ...make(), text });
  }

  private keep(sum: number, kept: Kept): void {
    this.characters += kept.text.length + kept.answer.length;
    if (this.characters > GENERATION_CHARACTERS) {
      this.old = this.young;
      this.young = new Map();
      this.characters = kept.text.length + kept.answer.length;
    }
    this.young.set(sum, kept);
  }
}
