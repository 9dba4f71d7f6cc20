import { createHash } from 'node:crypto';
import { isRecord } from '../hardening/locate.js';
import { ALL_NAMESPACES, type Caller, type PreviewAccess } from '../preview/access.js';
import { ProblemError } from '../preview/problem.js';
import type { Logger } from '../telemetry/logger.js';
import type { ApiClient } from './apiClient.js';

/**
 * How long a yes is believed: as long as Kubernetes' own extension API servers believe theirs
 * (DelegatingAuthenticationOptions and DelegatingAuthorizationOptions of k8s.io/apiserver). A no is not kept: whoever
 * has just been given the right tries again at once.
 */
const KEEP_MS = 10_000;
/** Yeses that are kept of each kind; about 1 KB each, mostly a caller's groups. */
const KEPT_MAX = 1000;
/**
 * Questions that may wait for the API server at a time. Anybody who reaches the listener can make up tokens: past
 * this they are told to come again, and nothing piles up here.
 */
const PENDING_MAX = 64;
/** A caller waits for two answers, one after the other, and hears of a failure before their own client gives up. */
const QUESTION_TIMEOUT_MS = 5_000;

const BUSY_SECONDS = '1';
const UNREACHABLE_SECONDS = '5';

export interface ClusterPreviewAccessOptions {
  /** One of its own: a flood of made-up tokens must not stand before the look-ups that admission waits for. */
  readonly api: ApiClient;
  readonly logger: Logger;
  /** Milliseconds that only grow. */
  readonly clock?: () => number;
}

/**
 * Asks the API server who a caller is (TokenReview) and whether they may (SubjectAccessReview: create
 * previews.kube-harden.io). No token is kept, only its SHA-256.
 */
export class ClusterPreviewAccess implements PreviewAccess {
  private readonly callers: KeptAnswers<Caller>;
  private readonly permissions: KeptAnswers<void>;
  private pending = 0;
  private failing = false;

  constructor(private readonly options: ClusterPreviewAccessOptions) {
    const clock = options.clock ?? (() => performance.now());
    this.callers = new KeptAnswers(clock);
    this.permissions = new KeptAnswers(clock);
  }

  async authenticate(authorizationHeader: string | undefined): Promise<Caller> {
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorizationHeader ?? '')?.[1];
    if (token === undefined) throw unauthenticated('Bearer realm="kube-harden"');
    return this.callers.get(sha256(token), () => this.reviewToken(token));
  }

  async authorize(caller: Caller, namespace: string): Promise<void> {
    const key = sha256(JSON.stringify([caller, namespace]));
    return this.permissions.get(key, () => this.reviewAccess(caller, namespace));
  }

  private async reviewToken(token: string): Promise<Caller> {
    // Without audiences the API server takes its own: a token that was made for somebody else is no proof here.
    const status = await this.ask('authentication.k8s.io', 'TokenReview', 'tokenreviews', { token }, token);
    const caller = status['authenticated'] === true ? readCaller(status['user']) : undefined;
    if (!caller) throw unauthenticated('Bearer realm="kube-harden", error="invalid_token"');
    return caller;
  }

  private async reviewAccess(caller: Caller, namespace: string): Promise<void> {
    const { username, uid, groups, extra } = caller;
    const status = await this.ask('authorization.k8s.io', 'SubjectAccessReview', 'subjectaccessreviews', {
      user: username,
      uid,
      groups,
      extra,
      resourceAttributes: { group: 'kube-harden.io', resource: 'previews', verb: 'create', namespace },
    });
    if (status['allowed'] !== true) throw forbidden(username, namespace);
  }

  /**
   * @param secret of the question, not to be logged
   * @returns the review's status. @throws ProblemError 503
   */
  private async ask(
    group: string,
    kind: string,
    resource: string,
    spec: unknown,
    secret = '',
  ): Promise<Record<string, unknown>> {
    if (this.pending >= PENDING_MAX) throw unavailable('too many callers at a time', BUSY_SECONDS);
    this.pending += 1;
    try {
      const review = await this.options.api.request('POST', `/apis/${group}/v1/${resource}`, {
        body: { apiVersion: `${group}/v1`, kind, spec },
        timeoutMs: QUESTION_TIMEOUT_MS,
      });
      const status = review['status'];
      if (!isRecord(status)) throw new Error(`the API server's ${kind} has no status`);
      this.failing = false;
      return status;
    } catch (error) {
      // One line for an outage, not one for each caller.
      if (!this.failing) {
        this.options.logger.warn('preview callers refused: the API server cannot be asked', {
          resource,
          error: isQuoting(error, secret)
            ? new Error('the answer repeats the token, and is not shown')
            : error,
        });
      }
      this.failing = true;
      throw unavailable('the API server cannot be asked who you are', UNREACHABLE_SECONDS, { cause: error });
    } finally {
      this.pending -= 1;
    }
  }
}

/** Answers for a while; a question that is being asked is not asked twice. */
class KeptAnswers<T> {
  private readonly kept = new Map<string, { readonly answer: Promise<T>; readonly until: number }>();

  constructor(private readonly clock: () => number) {}

  /** @param ask only what it resolves with is kept */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const now = this.clock();
    const known = this.kept.get(key);
    if (known && now < known.until) return known.answer;
    const entry = {
      answer: ask().catch((error: unknown) => {
        if (this.kept.get(key) === entry) this.kept.delete(key);
        throw error;
      }),
      until: now + KEEP_MS,
    };
    // Put last, so that the first is the oldest.
    this.kept.delete(key);
    this.kept.set(key, entry);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_MAX && oldest !== undefined) this.kept.delete(oldest);
    return entry.answer;
  }
}

function readCaller(user: unknown): Caller | undefined {
  if (!isRecord(user)) return undefined;
  const { username, uid, groups, extra } = user;
  if (typeof username !== 'string' || username === '') return undefined;
  return {
    username,
    uid: typeof uid === 'string' ? uid : undefined,
    groups: strings(groups),
    extra: Object.fromEntries(
      Object.entries(isRecord(extra) ? extra : {}).map(([key, values]) => [key, strings(values)]),
    ),
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** So many characters in a row of a token are no chance. */
const PART = 16;

/** Whether an error repeats a part of a secret, as a proxy does that shows what it was asked. */
function isQuoting(error: unknown, secret: string): boolean {
  const text = messagesOf(error).join('\n');
  for (let at = 0; at + PART <= secret.length; at += 1) {
    if (text.includes(secret.slice(at, at + PART))) return true;
  }
  return secret !== '' && secret.length < PART && text.includes(secret);
}

/** Of an error and of what caused it. */
function messagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messagesOf(error.cause))];
}

function unauthenticated(challenge: string): ProblemError {
  return new ProblemError(
    401,
    'send a bearer token that the API server of this cluster accepts: "Authorization: Bearer TOKEN"',
    { headers: { 'www-authenticate': challenge } },
  );
}

function forbidden(username: string, namespace: string): ProblemError {
  const [where, how] =
    namespace === ALL_NAMESPACES
      ? ['all namespaces', 'a ClusterRoleBinding to the ClusterRole kube-harden-preview gives the right']
      : [
          `namespace "${namespace}"`,
          'a RoleBinding there to the ClusterRole kube-harden-preview gives the right',
        ];
  return new ProblemError(
    403,
    `user "${username}" cannot create previews.kube-harden.io in ${where}; ${how}. ` +
      'Another namespace is named with ?namespace=',
  );
}

function unavailable(why: string, retryAfter: string, options?: ErrorOptions): ProblemError {
  return new ProblemError(503, why, { headers: { 'retry-after': retryAfter } }, options);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
