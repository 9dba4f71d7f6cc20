import type { RuleId } from '../../../../src/hardening/rule.js';

/** What stands in a namespace for the doctor to look at, broken but for those of the group `healthy`. */
export interface BrokenWorkload {
  /** As the doctor is asked: `deploy/nginx`, `pod/web`. */
  readonly target: string;
  /** Its pod; absent where none could be created. */
  readonly pod?: string;
  /** What went wrong in the words of the program, the kubelet or the API server. */
  readonly quote: string;
}

/**
 * A rule alone, what most guides advise, a profile with one thing missing, a rule by what needs no program, another
 * cause than hardening, and no cause at all: nothing is broken.
 */
export type Group = 'alone' | 'naive' | 'missing' | 'rule' | 'other' | 'healthy';

/** A workload and what is applied to it, made so that it is known what breaks it. */
export interface Combination {
  /** Unique, and a DNS label: it names the policy and the file of what was recorded. */
  readonly id: string;
  readonly group: Group;
  /** A row of the page: `nginx, profile without /run`. */
  readonly title: string;
  /** A program that it takes, or the image of one. */
  readonly program: string;
  /** The spec of the namespace's HardeningPolicy; the built-in `default` where there is none. */
  readonly policy?: object;
  readonly labels?: Readonly<Record<string, string>>;
  /** Any of these is right; none where hardening is not the cause. */
  readonly expected: readonly RuleId[];
  /** Makes it in a namespace; resolves with nothing where it does not break. */
  readonly make: (namespace: string) => Promise<BrokenWorkload | undefined>;
}
