import { fieldOf, type Json, objectsIn, own } from './json.js';
import { isQualifiedName } from './names.js';
import type { PodPlace } from './podPlace.js';
import { NANO, quantityNanos, roundUpToMilli } from './quantity.js';
import { type Path, Report } from './report.js';

type Resources = Map<string, bigint>;

const CONTAINER_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'];
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
const allowsOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);
const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`);

export function readResources(
  holder: Json,
  key: 'requests' | 'limits',
  path: Path,
  report: Report,
): Resources {
  const result: Resources = new Map();
  for (const [name, value] of Object.entries(report.object(holder, key, path) ?? {})) {
    const nanos = quantityNanos(value);
    if (nanos === undefined)
      report.add(`${path}.${key}[${name}]`, 'quantities must match the regular expression');
    else result.set(name, roundUpToMilli(nanos));
  }
  return result;
}

export function validateResources(
  owner: Json,
  ownerPath: Path,
  level: 'container' | 'pod',
  report: Report,
): void {
  const resources = report.object(owner, 'resources', ownerPath);
  if (resources === undefined) return;
  const path = `${ownerPath}.resources`;
  const limits = readResources(resources, 'limits', path, report);
  const requests = readResources(resources, 'requests', path, report);
  for (const [key, map] of [
    ['limits', limits],
    ['requests', requests],
  ] as const)
    for (const [name, nanos] of map) {
      const at = `${path}.${key}[${name}]`;
      const standard = CONTAINER_RESOURCES.includes(name) || isHugePages(name);
      const supported =
        level === 'pod'
          ? name === 'cpu' || name === 'memory' || isHugePages(name)
          : standard || (name.includes('/') && (isNative(name) || isExtended(name)));
      if (!isQualifiedName(name) || !supported)
        report.add(at, `Invalid value: "${name}": not a resource of a ${level}`);
      if (nanos < 0n) report.add(at, 'Invalid value: must be greater than or equal to 0');
      if (isExtended(name) && nanos % NANO !== 0n) report.add(at, 'Invalid value: must be an integer');
      if (isHugePages(name)) {
        const page = quantityNanos(name.slice('hugepages-'.length));
        if (page === undefined || page <= 0n || nanos % page !== 0n)
          report.add(at, 'Invalid value: must be a multiple of the page size');
      }
    }
  for (const [name, request] of requests) {
    const limit = limits.get(name);
    if (limit === undefined) {
      if (!allowsOvercommit(name))
        report.add(`${path}.limits`, 'Required value: Limit must be set for non overcommitable resources');
    } else if (request !== limit && !allowsOvercommit(name)) {
      report.add(`${path}.requests`, `Invalid value: must be equal to ${name} limit`);
    } else if (request > limit) {
      report.add(`${path}.requests`, `Invalid value: must be less than or equal to ${name} limit`);
    }
  }
  const names = [...limits.keys(), ...requests.keys()];
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory'))
    report.add(path, 'Forbidden: HugePages require cpu or memory');
}

/** A container's requests after defaulting, which on a Pod (not in a template) fills them from its limits. */
function defaultedRequests(container: Json, isPod: boolean): Resources {
  const silent = new Report();
  const resources = fieldOf(container, 'resources') ?? {};
  const requests = readResources(resources, 'requests', '', silent);
  if (!isPod) return requests;
  return new Map([...readResources(resources, 'limits', '', silent), ...requests]);
}

const plus = (a: Resources, b: Resources): Resources => {
  const sum = new Map(a);
  for (const [name, value] of b) sum.set(name, (sum.get(name) ?? 0n) + value);
  return sum;
};
const larger = (a: Resources, b: Resources): Resources => {
  const result = new Map(a);
  for (const [name, value] of b) {
    const other = result.get(name);
    result.set(name, other === undefined || value > other ? value : other);
  }
  return result;
};

/** AggregateContainerRequests: containers and sidecars add up; an init container is the least the pod must have. */
function aggregate(spec: Json, of: (container: Json) => Resources): Resources {
  let total: Resources = new Map();
  for (const container of objectsIn(spec, 'containers')) total = plus(total, of(container));
  let sidecars: Resources = new Map();
  let init: Resources = new Map();
  for (const container of objectsIn(spec, 'initContainers')) {
    if (own(container, 'restartPolicy') === 'Always') {
      total = plus(total, of(container));
      sidecars = plus(sidecars, of(container));
      init = larger(init, sidecars);
    } else {
      init = larger(init, plus(of(container), sidecars));
    }
  }
  return larger(total, init);
}

export function validatePodLevelResources(place: PodPlace, report: Report): void {
  const { spec, specPath, isPod } = place;
  const resources = report.object(spec, 'resources', specPath);
  if (resources === undefined) return;
  const path = `${specPath}.resources`;
  if (own(fieldOf(spec, 'os') ?? {}, 'name') === 'windows') {
    report.add(path, 'Forbidden: may not be set for a windows pod');
    return;
  }
  if (own(resources, 'claims') !== undefined)
    report.add(`${path}.claims`, 'Forbidden: claims may not be set for Resources at pod-level');
  const silent = new Report();
  const limits = readResources(resources, 'limits', path, silent);
  const declared = readResources(resources, 'requests', path, silent);
  const total = aggregate(spec, (container) => defaultedRequests(container, isPod));
  const requests = new Map(declared);
  if (isPod && limits.size > 0) {
    // defaultPodRequests: from the containers where they name the resource, else from the pod's own limit.
    for (const [name, value] of total)
      if (!requests.has(name) && (name === 'cpu' || name === 'memory')) requests.set(name, value);
    for (const [name, value] of limits) if (!requests.has(name)) requests.set(name, value);
  }
  const before = report.errors.length;
  validateResources(spec, specPath, 'pod', report);
  if (report.errors.length === before)
    for (const [name, request] of requests) {
      const limit = limits.get(name);
      if (limit !== undefined && request > limit)
        report.add(`${path}.requests`, `Invalid value: must be less than or equal to ${name} limit`);
    }
  for (const [name, value] of total) {
    const request = requests.get(name);
    if (request !== undefined && value > request)
      report.add(
        `${path}.requests[${name}]`,
        'Invalid value: must be greater than or equal to aggregate container requests',
      );
  }
  objectsIn(spec, 'containers').forEach((container, i) => {
    for (const [name, value] of readResources(fieldOf(container, 'resources') ?? {}, 'limits', '', silent)) {
      const limit = limits.get(name);
      if (limit !== undefined && value > limit)
        report.add(
          `${path}.containers[${i}][${name}].limits`,
          'Invalid value: must be less than or equal to pod limits',
        );
    }
  });
}
