import type { ApiObject } from '../cluster/apiClient.js';
import { isRecord } from '../hardening/locate.js';
import { parseQuantity, type Quantity } from '../hardening/quantity.js';
import { AMOUNT_NAMES, amountText, sum, type AmountName, type Amounts } from './amounts.js';
import type { NodesReport, QuotaReport } from './report.js';

/** What a namespace's quotas say of the resources that hardening adds to, and what would be added. */
export function quotaReports(quotas: readonly ApiObject[], added: Amounts): QuotaReport[] {
  return quotas.flatMap(({ metadata, spec, status }) => {
    const hard = amountsOf(isRecord(spec) ? spec['hard'] : undefined);
    const used = amountsOf(isRecord(status) ? status['used'] : undefined);
    const scoped =
      isRecord(spec) && (hasItems(spec['scopes']) || Object.keys(spec).includes('scopeSelector'));
    return AMOUNT_NAMES.flatMap((resource): QuotaReport[] => {
      const most = hard[resource];
      if (most === undefined) return [];
      const more = added[resource] ?? 0n;
      const now = used[resource] ?? 0n;
      return [
        {
          quota: metadata?.name ?? '',
          resource,
          hard: amountText(resource, most),
          used: amountText(resource, now),
          added: amountText(resource, more),
          exceeded: more > 0n && now + more > most,
          scoped,
        },
      ];
    });
  });
}

/** What the scheduler looks at: it overcommits limits. */
const NODE_RESOURCES = ['requests.cpu', 'requests.memory', 'requests.ephemeral-storage'] as const;

/** What the nodes that take pods have, all together. */
export class NodeCapacity {
  private allocatable: Amounts = {};
  private nodes = 0;

  /** A node that is closed (`kubectl cordon`) takes no pods. */
  add({ spec, status }: ApiObject): void {
    if (isRecord(spec) && spec['unschedulable'] === true) return;
    this.nodes += 1;
    this.allocatable = sum(this.allocatable, amountsOf(isRecord(status) ? status['allocatable'] : undefined));
  }

  /** @param requested by all pods of the cluster as they are */
  report(requested: Amounts, added: Amounts): NodesReport {
    return { count: this.nodes, resources: this.rows(requested, added) };
  }

  /** What the nodes together could not take. */
  exceeded(requested: Amounts, added: Amounts): NodesReport['resources'] {
    return this.rows(requested, added).filter(({ exceeded }) => exceeded);
  }

  private rows(requested: Amounts, added: Amounts): NodesReport['resources'] {
    return NODE_RESOURCES.flatMap((resource) => {
      const most = this.allocatable[resource];
      if (most === undefined) return [];
      const [now, more] = [requested[resource] ?? 0n, added[resource] ?? 0n];
      return [
        {
          resource,
          allocatable: amountText(resource, most),
          requested: amountText(resource, now),
          added: amountText(resource, more),
          exceeded: more > 0n && now + more > most,
        },
      ];
    });
  }
}

/** Of a list of resources what we count; `cpu` there is `requests.cpu`, in a quota as on a node. */
function amountsOf(list: unknown): Amounts {
  const amounts: Partial<Record<AmountName, Quantity>> = {};
  for (const [name, value] of Object.entries(isRecord(list) ? list : {})) {
    const known = AMOUNT_NAMES.find((each) => each === name || each === `requests.${name}`);
    const quantity = parseQuantity(value);
    if (known === undefined || quantity === undefined) continue;
    // A quota may name both `cpu` and `requests.cpu`: the smaller one holds.
    const before = amounts[known];
    amounts[known] = before === undefined || quantity < before ? quantity : before;
  }
  return amounts;
}

function hasItems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
