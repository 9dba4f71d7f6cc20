import type { DecisionObserver } from '../admission/handler.js';
import type { ToldDecision, ToldRequest } from '../admission/types.js';
import { RULE_IDS, ruleIds, type RuleId } from '../hardening/rule.js';
import { DECISION, type Logger } from './logger.js';
import type { Metrics } from './metrics.js';

export const DECISION_LOGS = ['none', 'denied', 'changed', 'all'] as const;
/** Which decisions get a log line (`--log-decisions`). */
export type DecisionLogs = (typeof DECISION_LOGS)[number];

/** The longest name there is. */
const NAME_CHARACTERS = 253;
/** A uid of an API server has 36. */
const UID_CHARACTERS = 4096;

/** Counts every decision and writes the log line of those that are asked for. */
export class DecisionLog implements DecisionObserver {
  constructor(
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    private readonly logs: DecisionLogs,
  ) {}

  decided(decision: ToldDecision, request: ToldRequest, seconds: number): void {
    this.count(decision, seconds);
    if (this.wants(decision)) this.logger.info(DECISION, decisionFields(decision, request, seconds));
  }

  /** A request that failed with 500: a rule threw, or its plan cannot be known. */
  failed(error: unknown, uid?: string): void {
    const rule = ruleOf(error);
    this.metrics.decisionFailed(codeOf(error));
    if (rule !== undefined) this.metrics.ruleFailed(rule);
    this.logger.error('decision failed', { uid: uid?.slice(0, UID_CHARACTERS), rule, error });
  }

  private count(
    { plan, outcome, changes, skips, violations, remembered }: ToldDecision,
    seconds: number,
  ): void {
    this.metrics.decisions[plan?.mode ?? 'none'][outcome].inc();
    this.metrics.decisionSeconds.observe(seconds);
    if (remembered) this.metrics.remembered.inc();
    const changed = outcome === 'patched' ? this.metrics.changes.made : this.metrics.changes.reported;
    for (const { rule } of changes) changed[rule].inc();
    for (const { rule, code } of skips) this.metrics.skipped(rule, code);
    for (const { rule, denied } of violations) {
      (denied === true ? this.metrics.violations.denied : this.metrics.violations.reported)[rule].inc();
    }
  }

  /** In audit namespaces `changed` at least, since a controller's warnings reach nobody; but `none` means none. */
  private wants({ plan, outcome, changes, violations }: ToldDecision): boolean {
    if (this.logs === 'none') return false;
    if (this.logs === 'all' || outcome === 'denied') return true;
    if (plan?.mode === 'audit') return changes.length > 0 || violations.length > 0;
    return this.logs === 'changed' && (outcome === 'patched' || outcome === 'reported');
  }
}

function decisionFields(
  decision: ToldDecision,
  request: ToldRequest,
  seconds: number,
): Record<string, unknown> {
  const { plan, outcome, because, changes, skips, violations } = decision;
  const metadata = request.object?.metadata;
  const name = logged(request.name || metadata?.name);
  return {
    uid: request.uid.slice(0, UID_CHARACTERS),
    namespace: logged(request.namespace),
    kind: logged(request.kind.kind),
    name,
    generateName: name === undefined ? logged(metadata?.generateName) : undefined,
    operation: logged(request.operation),
    dryRun: request.dryRun === true ? true : undefined,
    mode: plan?.mode,
    policy: plan?.policy,
    outcome,
    because,
    remembered: decision.remembered,
    changed: ruleIds(changes),
    skipped: ruleIds(skips),
    violated: ruleIds(violations),
    ms: Math.round(seconds * 1e6) / 1e3,
  };
}

/** Names come before the API server has looked at them: a megabyte, or no text at all. */
function logged(name: unknown): string | undefined {
  return typeof name === 'string' && name !== '' ? name.slice(0, NAME_CHARACTERS) : undefined;
}

/** Only codes of our own become a label: a system error's code (ECONNRESET) is one of a fixed list too. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Za-z_]{1,40}$/.test(code) ? code : 'Unknown';
}

function ruleOf(error: unknown): RuleId | undefined {
  const rule = error instanceof Error && 'rule' in error ? error.rule : undefined;
  return RULE_IDS.find((id) => id === rule);
}
