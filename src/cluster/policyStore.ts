import { loadPolicyObject } from '../policy/load.js';
import type { Policy } from '../policy/policy.js';
import { PolicyError, type PolicyIssue } from '../policy/policyError.js';
import type { ApiObject } from './apiClient.js';
import type { ObjectStore, Replacement } from './reflector.js';

/** A HardeningPolicy of the cluster, and what came of loading it. */
export interface ClusterPolicy {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  /** As the API server has it: the leader compares what it would write with it. */
  readonly status: unknown;
  /** What is in force: this generation, or an earlier one where this one does not load; nothing where none ever has. */
  readonly policy: Policy | undefined;
  /** Why this generation does not load; empty where it does. */
  readonly issues: readonly PolicyIssue[];
}

export interface PolicyObserver {
  /** A generation was loaded, or could not be. */
  loaded(policy: ClusterPolicy): void;
  /** A policy is there, or was written to: it may need another status. */
  seen(policy: ClusterPolicy): void;
  /** What is in force, or what is broken, is not what it was. */
  changed(): void;
}

/**
 * The HardeningPolicies of the cluster. A broken one never takes effect: the last good generation that this process has
 * seen stays in force.
 */
export class PolicyStore implements ObjectStore {
  private readonly policies = new Map<string, ClusterPolicy>();
  /** Taken from a list that is not at its end; one that breaks off leaves it for the next. */
  private isUntold = false;

  constructor(private readonly observer: PolicyObserver) {}

  get size(): number {
    return this.policies.size;
  }

  get all(): readonly ClusterPolicy[] {
    return [...this.policies.values()];
  }

  get(name: string): ClusterPolicy | undefined {
    return this.policies.get(name);
  }

  put(object: ApiObject): void {
    this.take(object);
    this.tell();
  }

  delete(object: ApiObject): void {
    this.remove(object.metadata?.name ?? '');
    this.tell();
  }

  startReplacing(): Replacement {
    const listed = new Set<string>();
    return {
      add: (object) => {
        listed.add(object.metadata?.name ?? '');
        this.take(object);
      },
      commit: () => {
        for (const name of this.policies.keys()) if (!listed.has(name)) this.remove(name);
        this.tell();
      },
    };
  }

  private remove(name: string): void {
    this.isUntold = this.policies.delete(name) || this.isUntold;
  }

  private tell(): void {
    if (!this.isUntold) return;
    this.isUntold = false;
    this.observer.changed();
  }

  private take(object: ApiObject): void {
    const { name = '', uid, generation = 0, resourceVersion = '' } = object.metadata ?? {};
    const before = this.policies.get(name);
    // One that was deleted and made anew under the same name between two lists inherits nothing.
    const earlier = before?.uid === uid ? before : undefined;
    // A written status is no other generation.
    const same = earlier?.generation === generation;
    const loaded = same ? { policy: earlier.policy, issues: earlier.issues } : load(object, earlier?.policy);
    const policy: ClusterPolicy = {
      name,
      uid: typeof uid === 'string' ? uid : '',
      generation,
      resourceVersion,
      status: object['status'],
      ...loaded,
    };
    this.policies.set(name, policy);
    this.isUntold ||= !same;
    if (!same) this.observer.loaded(policy);
    this.observer.seen(policy);
  }
}

function load(object: ApiObject, lastGood: Policy | undefined): Pick<ClusterPolicy, 'policy' | 'issues'> {
  try {
    return { policy: loadPolicyObject(object), issues: [] };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { policy: lastGood, issues: error.issues };
  }
}
