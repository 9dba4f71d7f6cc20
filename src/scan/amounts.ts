import type { Container, PodSpec, ResourceRequirements } from '../hardening/podSpec.js';
import { formatQuantity, parseQuantity, type Quantity } from '../hardening/quantity.js';

/** What default requests and limits add to, by the names that a ResourceQuota has for it. */
export const AMOUNT_NAMES = [
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
] as const;
export type AmountName = (typeof AMOUNT_NAMES)[number];

/** Nanos of each (see hardening/quantity.ts); what is not there is 0. */
export type Amounts = Readonly<Partial<Record<AmountName, Quantity>>>;

/** Amounts as text; those that are 0 are left out. */
export type AmountTexts = Readonly<Partial<Record<AmountName, string>>>;

/**
 * What a pod asks for, as quotas and the scheduler count it: all containers together, or the largest init container with
 * the sidecars that run beside it; what the pod asks for as a whole counts instead. A request that is missing is as large
 * as its limit, which is what the API server makes of it. The RuntimeClass's overhead is no matter here, for it is the
 * same before and after.
 *
 * Source: k8s.io/component-helpers/resource, PodRequests and PodLimits.
 */
export function podAmounts(spec: PodSpec): Amounts {
  const amounts: Partial<Record<AmountName, Quantity>> = {};
  for (const name of AMOUNT_NAMES) {
    const whole = amountOf(spec.resources, name);
    const amount = whole ?? containersTogether(spec, name);
    if (amount > 0n) amounts[name] = amount;
  }
  return amounts;
}

function containersTogether({ containers, initContainers }: PodSpec, name: AmountName): Quantity {
  const of = (container: Container): Quantity => amountOf(container.resources, name) ?? 0n;
  let sidecars = 0n;
  let initial = 0n;
  for (const container of initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars += of(container);
    const running = container.restartPolicy === 'Always' ? sidecars : sidecars + of(container);
    if (running > initial) initial = running;
  }
  const together = (containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return together > initial ? together : initial;
}

function amountOf(
  resources: ResourceRequirements | null | undefined,
  name: AmountName,
): Quantity | undefined {
  const [list, resource] = splitName(name);
  const limit = parseQuantity(resources?.limits?.[resource]);
  return list === 'limits' ? limit : (parseQuantity(resources?.requests?.[resource]) ?? limit);
}

function splitName(name: AmountName): [list: string, resource: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

export function sum(...all: readonly Amounts[]): Amounts {
  return combined(all, (before, amount) => before + amount);
}

/** What the second has more than the first. */
export function increase(before: Amounts, after: Amounts): Amounts {
  const more: Partial<Record<AmountName, Quantity>> = {};
  for (const name of AMOUNT_NAMES) {
    const difference = (after[name] ?? 0n) - (before[name] ?? 0n);
    if (difference > 0n) more[name] = difference;
  }
  return more;
}

/** Of each the larger one. */
export function larger(one: Amounts, other: Amounts): Amounts {
  return combined([one, other], (before, amount) => (amount > before ? amount : before));
}

export function times(amounts: Amounts, count: number): Amounts {
  return combined([amounts], (_, amount) => amount * BigInt(count));
}

function combined(
  all: readonly Amounts[],
  combine: (before: Quantity, amount: Quantity) => Quantity,
): Amounts {
  const result: Partial<Record<AmountName, Quantity>> = {};
  for (const amounts of all) {
    for (const name of AMOUNT_NAMES) {
      const amount = amounts[name];
      if (amount !== undefined) result[name] = combine(result[name] ?? 0n, amount);
    }
  }
  return result;
}

export function amountTexts(amounts: Amounts): AmountTexts {
  const texts: Partial<Record<AmountName, string>> = {};
  for (const name of AMOUNT_NAMES) {
    const amount = amounts[name] ?? 0n;
    if (amount !== 0n) texts[name] = amountText(name, amount);
  }
  return texts;
}

const NANOS = 1_000_000_000n;
const BINARY = ['Ti', 'Gi', 'Mi', 'Ki'] as const;

/** Exact: memory in the largest binary unit of which it is a whole number, cpu in cores or millicores. */
export function amountText(name: AmountName, amount: Quantity): string {
  if (name.endsWith('.cpu')) return formatQuantity(amount);
  for (const [index, unit] of BINARY.entries()) {
    const nanos = NANOS << BigInt(10 * (BINARY.length - index));
    if (amount !== 0n && amount % nanos === 0n) return `${amount / nanos}${unit}`;
  }
  return formatQuantity(amount);
}
