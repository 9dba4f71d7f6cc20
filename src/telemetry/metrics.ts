import { RULE_IDS, SKIP_CODES, type RuleId, type SkipCode } from '../hardening/rule.js';
import type { Outcome } from '../admission/types.js';
import { Family, Histogram, type Series } from './instruments.js';

/** `none`: no plan was needed, the object is out of scope. */
const MODES = ['enforce', 'audit', 'disabled', 'none'] as const;
const OUTCOMES: readonly Outcome[] = ['ignored', 'unchanged', 'patched', 'reported', 'denied'];

/**
 * Why the server itself refused or gave up a request, before or beside the engine:
 * - `address`: unknown path or method; `content`: Content-Type, charset or Content-Encoding; `tooLarge`: 413
 * - `overBudget`: 503, too many body bytes in flight, or requests waiting; `slowBody`: 408
 * - `late`: 504, no answer within `?timeout`
 * - `protocol`: not HTTP, huge or slow headers, more than 16 requests sent ahead; `handshake`: TLS failed or no valid client certificate
 * - `clientName`: a certificate outside --client-allowed-names; `peer`: preview asked from afar
 * - `connections`: closed to make room for another one, 1,000 being open; one that was at it is a `handshake` or `clientGone` too
 * - `clientGone`: the client went away before its answer; `drained`: cut at the shutdown deadline
 */
export const REFUSALS = [
  'address',
  'content',
  'tooLarge',
  'overBudget',
  'slowBody',
  'late',
  'protocol',
  'handshake',
  'clientName',
  'peer',
  'connections',
  'clientGone',
  'drained',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** From a decision's own cost (about 0.1 ms) to the API server's longest timeout (30 s). */
const LATENCY_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30,
];

/** So many policies have series of their own; more are taken together, or a scrape would grow with them. */
const POLICIES_MAX = 200;
/** No policy can have this name. */
const OTHER_POLICIES = '(others)';

/** Of a certificate, in milliseconds since the epoch. */
interface Validity {
  readonly begins: number;
  readonly expires: number;
}

type RuleSeries = Readonly<Record<RuleId, Series>>;

/** Every metric of the process but Node.js' own, counted in plain numbers. All label values come from fixed lists. */
export class Metrics {
  readonly decisionSeconds = new Histogram(
    'kube_harden_decision_duration_seconds',
    'Time from the decoded review to the decision',
    LATENCY_BOUNDS,
  );
  readonly requestSeconds = new Histogram(
    'kube_harden_request_duration_seconds',
    'Time from the headers of an admission request to its answer',
    LATENCY_BOUNDS,
  );
  readonly histograms: readonly Histogram[] = [this.requestSeconds, this.decisionSeconds];
  readonly families: readonly Family[];

  readonly decisions: Readonly<Record<(typeof MODES)[number], Readonly<Record<Outcome, Series>>>>;
  /** By rule: `made` were sent in a patch, `reported` only told (audit mode, templates: Warn). */
  readonly changes: { readonly made: RuleSeries; readonly reported: RuleSeries };
  readonly violations: { readonly denied: RuleSeries; readonly reported: RuleSeries };
  readonly refused: Readonly<Record<Refusal, Series>>;
  readonly requestsInFlight: Series;
  readonly remembered: Series;
  readonly bodyBytesInFlight: Series;
  readonly uncaughtErrors: Series;
  readonly tlsReloads: Series;
  readonly tlsReloadFailures: Series;
  private readonly policyLastReloadOk: Series;
  private readonly skips: Readonly<Record<RuleId, Readonly<Record<SkipCode, Series>>>>;
  private readonly responses: Family;
  private readonly previewResponses: Family;
  private readonly previewWorkerEnds: Family;
  private readonly failures: Family;
  private readonly ruleErrors: Family;
  private readonly policyLoaded: Family;
  private readonly certificateStart: Family;
  private readonly certificateExpiry: Family;
  private readonly caStart: Family;
  private readonly caExpiry: Family;
  private readonly certificateRenewals: Family;
  private readonly watchContact: Family;
  private readonly watchedObjects: Family;
  private readonly watchLists: Family;
  private readonly watchErrors: Family;
  private readonly namespaceLookups: Family;
  private readonly policyRejected: Family;
  /** Those in force, and since when, in milliseconds since the epoch. */
  private policiesSince: ReadonlyMap<object, number> = new Map();
  readonly leader: Series;

  constructor(build: { readonly version: string }) {
    const families: Family[] = [];
    const family = (
      type: 'counter' | 'gauge',
      name: string,
      help: string,
      ...labelNames: string[]
    ): Family => {
      const made = new Family(type, `kube_harden_${name}`, help, labelNames);
      families.push(made);
      return made;
    };
    this.families = families;

    const decisions = family(
      'counter',
      'decisions_total',
      'Decisions by mode and outcome',
      'mode',
      'outcome',
    );
    this.decisions = byKey(MODES, (mode) =>
      byKey(OUTCOMES, (outcome) => decisions.series({ mode, outcome })),
    );
    const changes = family(
      'counter',
      'changes_total',
      'Fields changed by each rule; applied="false" were only reported',
      'rule',
      'applied',
    );
    this.changes = {
      made: byKey(RULE_IDS, (rule) => changes.series({ rule, applied: 'true' })),
      reported: byKey(RULE_IDS, (rule) => changes.series({ rule, applied: 'false' })),
    };
    const skips = family('counter', 'skips_total', 'What a rule left alone, by reason', 'rule', 'code');
    // Made at first use: 21 rules × 18 codes are 378 series, of which a cluster sees a few dozen.
    this.skips = byKey(RULE_IDS, (rule) => byKeyLazily(SKIP_CODES, (code) => skips.series({ rule, code })));
    const violations = family(
      'counter',
      'violations_total',
      'Values weaker than a rule asks; denied="true" count towards a refusal',
      'rule',
      'denied',
    );
    this.violations = {
      denied: byKey(RULE_IDS, (rule) => violations.series({ rule, denied: 'true' })),
      reported: byKey(RULE_IDS, (rule) => violations.series({ rule, denied: 'false' })),
    };
    const refused = family(
      'counter',
      'refused_requests_total',
      'Requests the server refused or lost',
      'reason',
    );
    this.refused = byKey(REFUSALS, (reason) => refused.series({ reason }));
    this.responses = family('counter', 'responses_total', 'Admission answers by HTTP status', 'code');
    this.previewResponses = family(
      'counter',
      'preview_responses_total',
      'Answers of the preview listener by HTTP status, refusals of callers included',
      'code',
    );
    this.previewWorkerEnds = family(
      'counter',
      'preview_worker_ends_total',
      'Previews given up by ending their thread, by why: too much time or memory, or an error',
      'why',
    );
    this.remembered = family(
      'counter',
      'remembered_decisions_total',
      'Decisions taken from an earlier request that said the same',
    ).series();
    this.failures = family(
      'counter',
      'failed_decisions_total',
      'Requests answered with 500 since no decision could be made',
      'code',
    );
    this.failures.series({ code: 'Unknown' });
    this.ruleErrors = family('counter', 'rule_errors_total', 'Requests that failed in a rule', 'rule');
    // From the start, as each series that an alert asks for an increase: one that begins with 1 has none.
    for (const rule of RULE_IDS) this.ruleErrors.series({ rule });
    this.requestsInFlight = family(
      'gauge',
      'requests_in_flight',
      'Admission requests being answered',
    ).series();
    this.bodyBytesInFlight = family(
      'gauge',
      'body_bytes_in_flight',
      'Bytes of admission bodies, and of large answers that nobody takes, held in memory',
    ).series();
    this.uncaughtErrors = family(
      'counter',
      'uncaught_errors_total',
      'Errors that nothing handled: each one is a bug',
    ).series();
    this.policyLoaded = family(
      'gauge',
      'policy_last_load_success_timestamp_seconds',
      'When each policy was last loaded, seconds since the epoch',
      'policy',
    );
    this.policyLastReloadOk = family(
      'gauge',
      'policy_last_reload_successful',
      'Whether the policy files, if there are any, are in force as they are (1), or the last good ones (0)',
    ).series();
    this.certificateStart = family(
      'gauge',
      'certificate_not_before_timestamp_seconds',
      'From when the serving certificate is valid, seconds since the epoch',
    );
    this.certificateExpiry = family(
      'gauge',
      'certificate_expiry_timestamp_seconds',
      'When the serving certificate expires, seconds since the epoch',
    );
    this.tlsReloads = family('counter', 'tls_reloads_total', 'Changed certificate files taken over').series();
    this.tlsReloadFailures = family(
      'counter',
      'tls_reload_failures_total',
      'Changed certificate files that are broken; the old ones stay in use',
    ).series();
    this.caStart = family(
      'gauge',
      'ca_not_before_timestamp_seconds',
      'From when the certificate authority of self-managed certificates is valid, seconds since the epoch',
    );
    this.caExpiry = family(
      'gauge',
      'ca_expiry_timestamp_seconds',
      'When the certificate authority of self-managed certificates expires, seconds since the epoch',
    );
    this.certificateRenewals = family(
      'counter',
      'certificate_renewals_total',
      'Self-managed certificates made by this replica as the leader, by what (ca, leaf) and result (ok, failed)',
      'what',
      'result',
    );
    this.watchContact = family(
      'gauge',
      'watch_last_contact_timestamp_seconds',
      'When each watched resource last heard of the API server, seconds since the epoch; 0 before the first time',
      'resource',
    );
    this.watchedObjects = family('gauge', 'watched_objects', 'Objects known of each resource', 'resource');
    this.watchLists = family(
      'counter',
      'watch_restarts_total',
      'Lists after the first: a watch that was left behind (410), and the regular resync',
      'resource',
    );
    this.watchErrors = family('counter', 'watch_errors_total', 'Lists and watches that failed', 'resource');
    this.namespaceLookups = family(
      'counter',
      'namespace_lookups_total',
      'Namespaces looked up during a request, by reason (unknown, stale) and result (ok, failed)',
      'reason',
      'result',
    );
    this.policyRejected = family(
      'gauge',
      'policy_rejected',
      'HardeningPolicies of the cluster that do not load (1): the last good one, if any, stays in force',
      'policy',
    );
    this.leader = family('gauge', 'leader', 'Whether this replica is the leader (1)').series();
    const info = family('gauge', 'build_info', 'The version that runs', 'version', 'node');
    info.series({ version: build.version, node: process.version }).value = 1;
  }

  skipped(rule: RuleId, code: SkipCode): void {
    this.skips[rule][code].inc();
  }

  answered(status: number): void {
    this.responses.series({ code: String(status) }).inc();
  }

  /** @param status one that the server gives itself, so that there are few */
  previewAnswered(status: number): void {
    this.previewResponses.series({ code: String(status) }).inc();
  }

  previewWorkerEnded(why: 'time' | 'memory' | 'error'): void {
    this.previewWorkerEnds.series({ why }).inc();
  }

  /** @param code the error's own `code`, when it is one of ours; see DecisionLog */
  decisionFailed(code: string): void {
    this.failures.series({ code }).inc();
  }

  ruleFailed(rule: RuleId): void {
    this.ruleErrors.series({ rule }).inc();
  }

  /** A load of the policies succeeded: these, and only these, are in force; those that are new since `now`. */
  policiesLoaded(policies: readonly { readonly name: string }[], now: number): void {
    const since = new Map(policies.map((policy) => [policy, this.policiesSince.get(policy) ?? now]));
    this.policiesSince = since;
    this.policyLoaded.clear();
    for (const [index, [{ name }, time]] of [...since].entries()) {
      const series = this.policyLoaded.series({ policy: policyLabel(name, index) });
      series.value = Math.max(series.value, time / 1000);
    }
  }

  /** @param ok whether the policy files are as they were last read; where there are none they are */
  policyFilesRead(ok: boolean): void {
    this.policyLastReloadOk.value = ok ? 1 : 0;
  }

  /** @param read the authority of self-managed certificates */
  authorityIs(read: () => Validity): void {
    this.caStart.readFrom(() => read().begins / 1000);
    this.caExpiry.readFrom(() => read().expires / 1000);
  }

  renewed(what: 'ca' | 'leaf', ok: boolean): void {
    this.certificateRenewals.series({ what, result: ok ? 'ok' : 'failed' }).inc();
  }

  /** @param read the last contact in milliseconds since the epoch, and how many objects are known */
  watching(
    resource: string,
    read: { readonly lastContact: () => number; readonly objects: () => number },
  ): void {
    this.watchContact.readFrom(() => read.lastContact() / 1000, { resource });
    this.watchedObjects.readFrom(read.objects, { resource });
    this.watchLists.series({ resource });
    this.watchErrors.series({ resource });
  }

  listedAgain(resource: string): void {
    this.watchLists.series({ resource }).inc();
  }

  watchFailed(resource: string): void {
    this.watchErrors.series({ resource }).inc();
  }

  /** @param reason the namespace was not known, or the API server's request showed that what is known is stale */
  lookedUp(reason: 'unknown' | 'stale', ok: boolean): void {
    this.namespaceLookups.series({ reason, result: ok ? 'ok' : 'failed' }).inc();
  }

  /** These, and only these, do not load. */
  policiesRejected(names: readonly string[]): void {
    this.policyRejected.clear();
    for (const [index, name] of names.entries())
      this.policyRejected.series({ policy: policyLabel(name, index) }).value = 1;
  }

  /** @param read the certificate that is served */
  certificateIs(read: () => Validity): void {
    this.certificateStart.readFrom(() => read().begins / 1000);
    this.certificateExpiry.readFrom(() => read().expires / 1000);
  }
}

function policyLabel(name: string, index: number): string {
  return index < POLICIES_MAX ? name : OTHER_POLICIES;
}

function byKey<K extends string, V>(keys: readonly K[], make: (key: K) => V): Readonly<Record<K, V>> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}

/** As `byKey`, each value made when it is first asked for. */
function byKeyLazily<K extends string, V>(keys: readonly K[], make: (key: K) => V): Readonly<Record<K, V>> {
  const record = {};
  for (const key of keys) {
    Object.defineProperty(record, key, {
      configurable: true,
      get() {
        const value = make(key);
        Object.defineProperty(record, key, { value });
        return value;
      },
    });
  }
  return record as Record<K, V>;
}
