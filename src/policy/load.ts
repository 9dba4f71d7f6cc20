import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleId } from '../hardening/rule.js';
import { RULE_IDS } from '../hardening/rule.js';
import { shown } from '../hardening/shown.js';
import { suggestion } from './didYouMean.js';
import { explain, toIssues } from './explainIssue.js';
import { fieldPath } from '../hardening/fieldPath.js';
import type { Policy, PolicyRule } from './policy.js';
import type { PolicyIssue } from './policyError.js';
import { PolicyError } from './policyError.js';
import type { ImageCatalogue, PolicyDocument, RuleEntry } from './schema.js';
import { API_VERSION, KIND, imageCatalogueSchema, policyDocumentSchema } from './schema.js';
import type { KubernetesDocument } from './yaml.js';
import { parseKubernetesYaml } from './yaml.js';
import { YamlError } from './yamlError.js';

/** Where a text comes from, for the messages. */
export interface LoadOptions {
  readonly source?: string | undefined;
}

/**
 * The HardeningPolicies of a text: YAML or JSON, one or many documents, a List too. All defaults are filled in: a rule
 * or setting that a policy does not name is as in the built-in policy `default`, and null is the same as not named.
 *
 * @throws PolicyError with everything that is wrong, over all documents
 */
export function loadPolicies(text: string, { source }: LoadOptions = {}): Policy[] {
  return check([read(text, source)]).map(({ policy }) => policy);
}

/**
 * One HardeningPolicy as an API server gives it.
 *
 * @throws PolicyError with everything that is wrong with it
 */
export function loadPolicyObject(object: unknown): Policy {
  const header = headerProblem(object);
  if (header) throw new PolicyError([{ path: fieldPath(header.path), message: header.message }]);
  const parsed = policyDocumentSchema.safeParse(withoutNulls(object), { error: explain });
  if (parsed.success) return toPolicy(parsed.data);
  throw new PolicyError(toIssues(parsed.error, (path) => ({ path: fieldPath(path) })));
}

/** A policy, and where it is written. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly source?: string | undefined;
  /** The text of its document, comments included. */
  readonly text: string;
}

/**
 * The HardeningPolicies of a file, or of the `*.yaml`, `*.yml` and `*.json` files of a folder, in order of their names,
 * folders in it left out.
 *
 * @throws PolicyError with everything that is wrong, over all files; or the system's own error where one cannot be read
 */
export function loadPolicyPath(path: string): Policy[] {
  return loadPolicyTexts(path).map(({ policy }) => policy);
}

/** As `loadPolicyPath`, each with its file and text. */
export function loadPolicyTexts(path: string): LoadedPolicy[] {
  const files = policyFiles(path);
  if (files.length === 0)
    throw new PolicyError([
      { path: '', message: 'there is no *.yaml, *.yml or *.json file in it', source: path },
    ]);
  return check(files.map((file) => read(readFileSync(file, 'utf8'), file)));
}

/** The files that `loadPolicyPath` reads. */
export function policyFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => /\.(?:ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());
}

/**
 * The catalogue of built-in image profiles.
 *
 * @throws PolicyError with everything that is wrong
 */
export function loadImageCatalogue(text: string, { source }: LoadOptions = {}): ImageCatalogue {
  const [document] = parseKubernetesYaml(text);
  const parsed = imageCatalogueSchema.safeParse(document?.object, { error: explain });
  if (parsed.success) return parsed.data;
  throw new PolicyError(toIssues(parsed.error, (path) => place(document, path, source)));
}

interface Found {
  readonly policies: readonly (LoadedPolicy & { readonly at: Omit<PolicyIssue, 'message'> })[];
  readonly issues: readonly PolicyIssue[];
}

function check(found: readonly Found[]): LoadedPolicy[] {
  const issues = found.flatMap((part) => part.issues);
  const policies = found.flatMap((part) => part.policies);
  const names = new Map<string, Omit<PolicyIssue, 'message'>>();
  for (const { policy, at } of policies) {
    const first = names.get(policy.name);
    if (first) {
      const where = [first.source, first.line].filter((part) => part !== undefined).join(':');
      issues.push({ ...at, message: `${shown(policy.name)} is the name of another policy, ${where}` });
    } else names.set(policy.name, at);
  }
  if (issues.length > 0) throw new PolicyError(issues);
  return policies;
}

function read(text: string, source: string | undefined): Found {
  let documents: KubernetesDocument[];
  try {
    documents = parseKubernetesYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { policies: [], issues: [{ path: '', message: error.message, source, line: error.line }] };
  }
  const parts = documents.flatMap((document) => expand(document).map((item) => readOne(item, source)));
  if (parts.length === 0)
    return { policies: [], issues: [{ path: '', message: `there is no ${KIND} in it`, source }] };
  return { policies: parts.flatMap((part) => part.policies), issues: parts.flatMap((part) => part.issues) };
}

/** An object of a document, and the path to it. */
interface Item {
  readonly document: KubernetesDocument;
  readonly path: readonly (string | number)[];
  readonly object: unknown;
}

function expand(document: KubernetesDocument): Item[] {
  const { object } = document;
  if (
    isRecord(object) &&
    (object.kind === 'List' || object.kind === `${KIND}List`) &&
    Array.isArray(object.items)
  )
    return object.items.map((item: unknown, index) => ({ document, path: ['items', index], object: item }));
  return [{ document, path: [], object }];
}

function readOne({ document, path: prefix, object }: Item, source: string | undefined): Found {
  const locate = (path: readonly (string | number)[]) => place(document, [...prefix, ...path], source);
  const header = headerProblem(object);
  if (header) return { policies: [], issues: [{ ...locate(header.path), message: header.message }] };
  const parsed = policyDocumentSchema.safeParse(withoutNulls(object), { error: explain });
  if (!parsed.success) return { policies: [], issues: inOrder(toIssues(parsed.error, locate)) };
  const policy = toPolicy(parsed.data);
  const at = locate(['metadata', 'name']);
  return { policies: [{ policy, source, text: document.text, at }], issues: [] };
}

function place(
  document: KubernetesDocument | undefined,
  path: readonly (string | number)[],
  source: string | undefined,
): Omit<PolicyIssue, 'message'> {
  return { path: fieldPath(path), source, line: document?.position(path)?.line };
}

/** What is no HardeningPolicy is said to be none, rather than to lack everything that one has. */
function headerProblem(object: unknown): { path: string[]; message: string } | undefined {
  if (!isRecord(object)) return { path: [], message: `${shown(object)} is not a ${KIND}` };
  for (const [field, expected] of [
    ['kind', KIND],
    ['apiVersion', API_VERSION],
  ] as const) {
    const value = object[field];
    if (value === expected) continue;
    const message = value === undefined ? `is required: ${expected}` : `${shown(value)} is not ${expected}`;
    return { path: [field], message: `${message}${suggestion(value, [expected])}` };
  }
  return undefined;
}

const inOrder = (issues: PolicyIssue[]): PolicyIssue[] =>
  issues.sort((one, other) => (one.line ?? 0) - (other.line ?? 0));

/** Labels and the like: a null there is a mistake in a value, not a field that was left empty. */
const MAPS_OF_STRINGS: ReadonlySet<string> = new Set(['nodeSelector', 'podLabels']);

/** Kubernetes takes a field that is null for one that is not there: `exceptions:` with all of them commented out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([key, field]) => [key, MAPS_OF_STRINGS.has(key) ? field : withoutNulls(field)]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toPolicy({ metadata, spec }: PolicyDocument): Policy {
  const { rules, ...rest } = spec;
  const planned = RULE_IDS.map((id) => [id, toRule(rules[id])] as const);
  return { name: metadata.name, ...rest, rules: Object.fromEntries(planned) as Record<RuleId, PolicyRule> };
}

function toRule({ action, optOut, ...settings }: RuleEntry): PolicyRule {
  return { action, optOut, settings };
}
