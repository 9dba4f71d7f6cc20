import type { Action, SkipCode } from './rule.js';

/** How a rule treats one container (or the pod): its action, after opt-out, exceptions and `unknownImages`. */
export interface Stance {
  /** Writes a field that is unset. */
  readonly fills: boolean;
  /** Replaces an explicit weaker value. */
  readonly replaces: boolean;
  /** An unset field is a violation. */
  readonly reportsUnset: boolean;
  /** An explicit weaker value that stands is a violation. */
  readonly reportsWeak: boolean;
  readonly denies: boolean;
  /** The rule would act but for this: a skip is recorded instead of a change. */
  readonly heldBack?: SkipCode;
}

const NOTHING = {
  fills: false,
  replaces: false,
  reportsUnset: false,
  reportsWeak: false,
  denies: false,
} as const;

export const STANCES: Readonly<Record<Exclude<Action, 'Disabled'>, Stance>> = {
  Default: { ...NOTHING, fills: true, reportsWeak: true },
  Override: { ...NOTHING, fills: true, replaces: true },
  Warn: { ...NOTHING, reportsUnset: true, reportsWeak: true },
  Deny: { ...NOTHING, reportsUnset: true, reportsWeak: true, denies: true },
};

export const OPTED_OUT: Stance = { ...NOTHING, heldBack: 'OptedOut' };
export const EXCEPTED: Stance = { ...NOTHING, heldBack: 'Excepted' };
/** Nothing is written for an image that nobody knows, but what its author made weak on purpose is still reported. */
export const UNKNOWN_IMAGE: Stance = { ...NOTHING, reportsWeak: true, heldBack: 'UnknownImage' };
