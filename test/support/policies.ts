import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { loadPolicies } from '../../src/policy/load.js';
import type { NamespaceFacts } from '../../src/policy/namespace.js';
import { overByName, type Policy } from '../../src/policy/policy.js';

/** A policy from the text of its spec, indented or not: `warnings: Full`. */
export function policyFrom(spec: string, name = 'default'): Policy {
  const head = `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: ${name}}\n`;
  const [policy] = loadPolicies(`${head}spec:\n${indent(spec)}`);
  if (!policy) throw new Error('no policy');
  return policy;
}

/** The built-in policies with these over them by name, as `serve --policy-file` has them. */
export function withBuiltin(...given: readonly Policy[]): Policy[] {
  return overByName(BUILTIN_POLICIES, given);
}

/** A namespace with labels of ours, their prefix left out: `{mode: 'enforce'}`. */
export function namespace(
  name: string,
  labels: Readonly<Record<string, string>> = { mode: 'enforce' },
  more: Partial<NamespaceFacts> = {},
): NamespaceFacts {
  const ours = Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value] as const);
  return { name, labels: Object.fromEntries(ours), limitRanges: [], quotaByQos: false, ...more };
}

/** A spec on its own lines, with two spaces before each: what a template literal's own indentation is worth. */
function indent(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  return lines.length === 0 ? '  {}' : lines.map((line) => `  ${line.slice(margin)}`).join('\n');
}
