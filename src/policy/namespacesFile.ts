import { readFileSync } from 'node:fs';
import type { LimitRangeItem, QuotaFacts } from '../hardening/plan.js';
import type { Quantity } from '../hardening/quantity.js';
import { parseQuantity } from '../hardening/quantity.js';
import { shown } from '../hardening/shown.js';
import { suggestion } from './didYouMean.js';
import { fieldPath } from '../hardening/fieldPath.js';
import {
  UID_RANGE_ANNOTATIONS,
  countedResources,
  countsByQos,
  ownLabels,
  type NamespaceFacts,
} from './namespace.js';
import { NamespacesError } from './namespacesError.js';
import type { PolicyIssue } from './policyError.js';
import type { KubernetesDocument } from './yaml.js';
import { parseKubernetesYaml } from './yaml.js';
import { YamlError } from './yamlError.js';

/**
 * The namespaces of a cluster as a file, as `kubectl get namespaces,limitranges,resourcequotas -A -o yaml` writes it: a
 * List, or documents, of Namespace and, where they matter, LimitRange and ResourceQuota.
 *
 * @throws NamespacesError with everything that is wrong; or the system's own error where it cannot be read
 */
export function loadNamespacesFile(path: string): Map<string, NamespaceFacts> {
  return parseNamespaces(readFileSync(path, 'utf8'), { source: path });
}

/** @throws NamespacesError with everything that is wrong */
export function parseNamespaces(
  text: string,
  { source }: { readonly source?: string | undefined } = {},
): Map<string, NamespaceFacts> {
  const reader = new Reader(source);
  for (const document of documentsOf(text, source))
    reader.read({ document, path: [], value: document.object });
  return reader.finish();
}

function documentsOf(text: string, source: string | undefined): KubernetesDocument[] {
  try {
    return parseKubernetesYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const { message, line } = error;
    throw new NamespacesError([{ path: '', message, source, line }], { cause: error });
  }
}

/** A value, and where it stands. */
interface Field {
  readonly document: KubernetesDocument;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

const KINDS = ['Namespace', 'LimitRange', 'ResourceQuota'];

type Facts = { -readonly [K in keyof NamespaceFacts]: NamespaceFacts[K] };

class Reader {
  readonly #source: string | undefined;
  readonly #issues: PolicyIssue[] = [];
  readonly #namespaces = new Map<string, Facts>();
  readonly #limitRanges: { readonly at: Field; readonly items: readonly LimitRangeItem[] }[] = [];
  readonly #quotas: Field[] = [];

  constructor(source: string | undefined) {
    this.#source = source;
  }

  read(object: Field): void {
    const kind = at(object, 'kind');
    const items = at(object, 'items');
    if (typeof kind.value === 'string' && kind.value.endsWith('List') && Array.isArray(items.value)) {
      for (const item of itemsOf(items)) this.read(item);
      return;
    }
    if (!isRecord(object.value)) this.#problem(object, `${shown(object.value)} is not an object with a kind`);
    else if (kind.value === 'Namespace') this.#namespace(object);
    else if (kind.value === 'LimitRange') this.#limitRange(object);
    else if (kind.value === 'ResourceQuota') this.#quota(object);
    else
      this.#problem(
        kind,
        kind.value == null
          ? 'is required'
          : `${shown(kind.value)} is not one of ${KINDS.join(', ')}${suggestion(kind.value, KINDS)}`,
      );
  }

  /** Limit ranges and quotas come to their namespaces when all of these are known: the order in the file is free. */
  finish(): Map<string, NamespaceFacts> {
    for (const { at: field, items } of this.#limitRanges) {
      const facts = this.#namespaceOf(field);
      if (facts) facts.limitRanges = [...facts.limitRanges, ...items];
    }
    for (const field of this.#quotas) {
      const facts = this.#namespaceOf(field);
      if (facts) addQuota(facts, field);
    }
    if (this.#issues.length > 0) throw new NamespacesError(this.#issues);
    return this.#namespaces;
  }

  #namespace(object: Field): void {
    const apiVersion = at(object, 'apiVersion');
    if (apiVersion.value !== 'v1') this.#problem(apiVersion, `${shown(apiVersion.value)} is not v1`);
    const name = this.#text(at(object, 'metadata', 'name'));
    if (name === undefined) return;
    if (this.#namespaces.has(name))
      this.#problem(at(object, 'metadata', 'name'), `${shown(name)} is there already`);
    const labels = fieldsOf(at(object, 'metadata', 'labels')).flatMap((label) => {
      const value = this.#text(label);
      return value === undefined ? [] : [[String(label.path.at(-1)), value] as const];
    });
    const annotations = at(object, 'metadata', 'annotations');
    const ranges = UID_RANGE_ANNOTATIONS.map((annotation) => this.#optionalText(at(annotations, annotation)));
    this.#namespaces.set(name, {
      name,
      labels: ownLabels(Object.fromEntries(labels)),
      uidRange: ranges.find((range) => range !== undefined),
      limitRanges: [],
      quotaByQos: false,
    });
  }

  #limitRange(object: Field): void {
    const items: LimitRangeItem[] = [];
    for (const item of itemsOf(at(object, 'spec', 'limits'))) {
      const type = at(item, 'type').value;
      if (type !== 'Container' && type !== 'Pod') continue;
      items.push({
        type,
        max: this.#quantities(at(item, 'max')),
        min: this.#quantities(at(item, 'min')),
        maxLimitRequestRatio: this.#quantities(at(item, 'maxLimitRequestRatio')),
      });
    }
    this.#limitRanges.push({ at: object, items });
  }

  #quota(object: Field): void {
    this.#quotas.push(object);
  }

  #quantities(map: Field): ReadonlyMap<string, Quantity> {
    const quantities = new Map<string, Quantity>();
    for (const field of fieldsOf(map)) {
      const quantity = parseQuantity(field.value);
      if (quantity === undefined) this.#problem(field, `${shown(field.value)} is not a quantity`);
      else quantities.set(String(field.path.at(-1)), quantity);
    }
    return quantities;
  }

  #namespaceOf(object: Field): Facts | undefined {
    const field = at(object, 'metadata', 'namespace');
    const name = this.#text(field);
    const facts = name === undefined ? undefined : this.#namespaces.get(name);
    if (name !== undefined && !facts)
      this.#problem(
        field,
        `there is no Namespace ${shown(name)} in the file${suggestion(name, this.#namespaces.keys())}`,
      );
    return facts;
  }

  #text(field: Field): string | undefined {
    const { value } = field;
    if (typeof value === 'string' && (value !== '' || field.path.includes('labels'))) return value;
    if (value == null || value === '') this.#problem(field, 'is required');
    else this.#problem(field, `${shown(value)} is not a string: quote it`);
    return undefined;
  }

  #optionalText(field: Field): string | undefined {
    return field.value == null ? undefined : this.#text(field);
  }

  #problem({ document, path }: Field, message: string): void {
    const line = document.position(path)?.line;
    this.#issues.push({ path: fieldPath(path), message, source: this.#source, line });
  }
}

function addQuota(facts: Facts, field: Field): void {
  const spec = at(field, 'spec').value;
  if (!isRecord(spec)) return;
  facts.quotaByQos ||= countsByQos(spec);
  const name = at(field, 'metadata', 'name').value;
  const resources = countedResources(isRecord(spec['hard']) ? spec['hard'] : undefined);
  if (resources.length === 0) return;
  const quota: QuotaFacts = { name: typeof name === 'string' ? name : '', resources };
  facts.quotas = [...(facts.quotas ?? []), quota];
}

function at(field: Field, ...steps: readonly string[]): Field {
  let { value } = field;
  for (const step of steps) value = isRecord(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return { document: field.document, path: [...field.path, ...steps], value };
}

function itemsOf({ document, path, value }: Field): Field[] {
  return Array.isArray(value)
    ? value.map((item: unknown, index) => ({ document, path: [...path, index], value: item }))
    : [];
}

function fieldsOf({ document, path, value }: Field): Field[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).map(([key, item]) => ({ document, path: [...path, key], value: item }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
