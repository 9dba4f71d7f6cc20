import { randomBytes } from 'node:crypto';
import { isRecord } from '../hardening/locate.js';
import { issueText } from '../policy/policyError.js';
import type { Logger } from '../telemetry/logger.js';
import type { ApiClient } from './apiClient.js';
import { ApiError } from './apiError.js';
import type { ClusterPolicy } from './policyStore.js';

const POLICIES = '/apis/kube-harden.io/v1alpha1/hardeningpolicies';
/** Events of cluster-scoped objects are kept in this namespace; the API server takes no other. */
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
/** Bytes that the API server takes (events.k8s.io/v1, `note`; it counts them by Go's len). */
const NOTE_MAX = 1024;
/** A condition's message (metav1.Condition). */
const MESSAGE_MAX = 32_768;
/** As many as a person mends in one go. */
const ERRORS_MAX = 100;
/** An API server that refused is asked again after so long. */
const RETRY_MS = 5_000;

export interface PolicyStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly {
    readonly type: 'Accepted';
    readonly status: 'True' | 'False';
    readonly reason: 'Accepted' | 'Rejected';
    readonly message: string;
    readonly observedGeneration: number;
    readonly lastTransitionTime: string;
  }[];
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

export interface PolicyStatusOptions {
  readonly api: ApiClient;
  readonly policies: { readonly all: readonly ClusterPolicy[]; get(name: string): ClusterPolicy | undefined };
  /** This replica, in events. */
  readonly identity: string;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** {@link RETRY_MS} unless given. */
  readonly retryMs?: number;
}

/** Writes into each HardeningPolicy whether it was accepted, and an Event where that changed. Only the leader's does. */
export class PolicyStatusWriter {
  private readonly waiting = new Set<string>();
  /** Each is tried again once, however often it is seen meanwhile. */
  private readonly putOff = new Set<string>();
  private leading: AbortSignal | undefined;
  private working = false;

  constructor(private readonly options: PolicyStatusOptions) {}

  /** Begins to write, until `signal` is aborted. */
  lead(signal: AbortSignal): void {
    this.leading = signal;
    for (const { name } of this.options.policies.all) this.waiting.add(name);
    void this.work();
  }

  /** A policy is there, or has changed. */
  seen({ name }: ClusterPolicy): void {
    if (this.leading === undefined || this.leading.aborted) return;
    this.waiting.add(name);
    // With the others of the same list.
    setImmediate(() => void this.work());
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (const name of this.waiting) {
        if (this.leading === undefined || this.leading.aborted) return;
        this.waiting.delete(name);
        const policy = this.options.policies.get(name);
        if (policy && !(await this.write(policy))) this.tryLater(name);
      }
    } finally {
      this.working = false;
    }
  }

  private tryLater(name: string): void {
    if (this.putOff.has(name)) return;
    this.putOff.add(name);
    setTimeout(() => {
      this.putOff.delete(name);
      this.waiting.add(name);
      void this.work();
    }, this.options.retryMs ?? RETRY_MS).unref();
  }

  /** @returns false where it has to be tried again */
  private async write(policy: ClusterPolicy): Promise<boolean> {
    const { api, logger, clock } = this.options;
    const status = statusOf(policy, clock());
    if (isWritten(status, policy.status)) return true;
    const before = acceptedBefore(policy.status);
    try {
      await api.request('PATCH', `${POLICIES}/${policy.name}/status`, {
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion: policy.resourceVersion }, status },
      });
    } catch (error) {
      // Somebody wrote first, or it is gone: the watch brings what there is to do.
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return true;
      logger.warn('the status of a policy could not be written', { policy: policy.name, error });
      return false;
    }
    if (before !== status.conditions[0]?.status) await this.tell(policy, status);
    return true;
  }

  private async tell(policy: ClusterPolicy, { conditions }: PolicyStatus): Promise<void> {
    const { api, identity, clock, logger } = this.options;
    const [condition] = conditions;
    if (condition === undefined) return;
    const isAccepted = condition.status === 'True';
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${policy.name}.${randomBytes(8).toString('hex')}`, namespace: 'default' },
      // MicroTime: six digits, of which a JavaScript clock knows three.
      eventTime: new Date(clock()).toISOString().replace('Z', '000Z'),
      reportingController: 'kube-harden.io/kube-harden',
      reportingInstance: identity.slice(0, 128),
      action: 'Load',
      reason: isAccepted ? 'PolicyAccepted' : 'PolicyRejected',
      type: isAccepted ? 'Normal' : 'Warning',
      note: cutToBytes(condition.message, NOTE_MAX),
      regarding: {
        apiVersion: 'kube-harden.io/v1alpha1',
        kind: 'HardeningPolicy',
        name: policy.name,
        uid: policy.uid,
        resourceVersion: policy.resourceVersion,
      },
    };
    try {
      await api.request('POST', EVENTS, { body: event });
    } catch (error) {
      logger.warn('an event about a policy could not be written', { policy: policy.name, error });
    }
  }
}

/** What a policy's status is to say. */
export function statusOf(policy: ClusterPolicy, now: number): PolicyStatus {
  const isAccepted = policy.issues.length === 0;
  const status = isAccepted ? 'True' : 'False';
  const before = conditionOf(policy.status);
  return {
    observedGeneration: policy.generation,
    conditions: [
      {
        type: 'Accepted',
        status,
        reason: isAccepted ? 'Accepted' : 'Rejected',
        message: cut(messageOf(policy), MESSAGE_MAX),
        observedGeneration: policy.generation,
        lastTransitionTime:
          before?.['status'] === status && typeof before['lastTransitionTime'] === 'string'
            ? before['lastTransitionTime']
            : new Date(now).toISOString().replace(/\.\d+Z$/, 'Z'),
      },
    ],
    errors: policy.issues.slice(0, ERRORS_MAX).map(({ path, message }) => ({ path, message })),
  };
}

function messageOf({ issues, policy }: ClusterPolicy): string {
  if (issues.length === 0) return 'the policy is in force';
  const effect =
    policy === undefined
      ? 'it has never loaded: requests of namespaces that name it fail'
      : 'the last good one stays in force';
  const errors = issues.length === 1 ? '1 error' : `${issues.length} errors`;
  return `${errors}; ${effect}: ${issues.map(issueText).join('; ')}`;
}

function isWritten(wanted: PolicyStatus, given: unknown): boolean {
  if (!isRecord(given) || given['observedGeneration'] !== wanted.observedGeneration) return false;
  const condition = conditionOf(given);
  const [ours] = wanted.conditions;
  return condition?.['status'] === ours?.status && condition?.['message'] === ours?.message;
}

function acceptedBefore(status: unknown): unknown {
  return conditionOf(status)?.['status'];
}

function conditionOf(status: unknown): Record<string, unknown> | undefined {
  const conditions: unknown = isRecord(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return undefined;
  return conditions.filter(isRecord).find(({ type }) => type === 'Accepted');
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

function cutToBytes(text: string, length: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= length) return text;
  // `stream` leaves out a character that is cut through.
  return `${new TextDecoder().decode(bytes.subarray(0, length - 3), { stream: true })}...`;
}
