import { isRecord } from './locate.js';
import type { Pod } from './podSpec.js';
import { parseQuantity } from './quantity.js';
import type { Path } from './rule.js';

/** Something wrong with a field that hardening reads. */
export interface FieldIssue {
  /** From the object that holds the pod. */
  readonly path: Path;
  readonly message: string;
}

/**
 * @param path where the value is. The one list is lengthened on the way down and shortened on the way up, and copied
 * only into an issue: nearly every object has none.
 */
type Check = (value: unknown, path: Key[], issues: FieldIssue[]) => void;
type Key = Path[number];

/** More than anybody mends in one go. An object can have a million, and to find them all takes seconds. */
export const ISSUES_MAX = 1000;

/**
 * Checks the types of the fields that hardening reads; everything else is the API server's to judge. Objects that an
 * API server sends always pass; what a person sends to the preview may not.
 *
 * @param base path from the object to the pod, so that issues name the field as its author wrote it
 * @returns every issue, of more than {@link ISSUES_MAX} the first; none for a pod that `harden` may be given
 */
export function validatePod(pod: Pod, base: Path): FieldIssue[] {
  const issues: FieldIssue[] = [];
  checkPod(pod, [...base], issues);
  return issues.slice(0, ISSUES_MAX);
}

/** What a value is, short and without walking into it: it may be 5,000 levels deep. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `an ${typeof value}`;
}

function leaf(expected: string, accepts: (value: unknown) => boolean): Check {
  return (value, path, issues) => {
    if (!accepts(value))
      issues.push({ path: [...path], message: `${describeValue(value)} is not ${expected}` });
  };
}

const text = leaf('a string', (value) => typeof value === 'string');
const flag = leaf('true or false', (value) => typeof value === 'boolean');
const integer = leaf('an integer', (value) => Number.isInteger(value));
const quantity: Check = (value, path, issues) => {
  const parsed = parseQuantity(value);
  if (parsed === undefined)
    issues.push({ path: [...path], message: `${describeValue(value)} is not a quantity` });
  else if (parsed < 0n) issues.push({ path: [...path], message: `${describeValue(value)} is negative` });
};

function checkAt(key: Key, check: Check, value: unknown, path: Key[], issues: FieldIssue[]): void {
  path.push(key);
  check(value, path, issues);
  path.pop();
}

/** An object with these fields, each checked where it is there: null is unset. */
function object(fields: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(fields);
  return (value, path, issues) => {
    if (!isRecord(value)) {
      issues.push({ path: [...path], message: `${describeValue(value)} is not an object` });
      return;
    }
    for (const [name, check] of entries) {
      const field = value[name];
      if (field !== undefined && field !== null) checkAt(name, check, field, path, issues);
    }
  };
}

function list(item: Check): Check {
  return (value, path, issues) => {
    if (!Array.isArray(value))
      issues.push({ path: [...path], message: `${describeValue(value)} is not a list` });
    else
      for (let index = 0; index < value.length && issues.length < ISSUES_MAX; index++)
        checkAt(index, item, value[index], path, issues);
  };
}

function map(item: Check): Check {
  return (value, path, issues) => {
    if (!isRecord(value)) {
      issues.push({ path: [...path], message: `${describeValue(value)} is not an object` });
      return;
    }
    for (const key of Object.keys(value)) {
      if (issues.length >= ISSUES_MAX) return;
      const entry = value[key];
      if (entry !== undefined && entry !== null) checkAt(key, item, entry, path, issues);
    }
  };
}

const seccompProfile = object({ type: text, localhostProfile: text });
const appArmorProfile = object({ type: text, localhostProfile: text });
const windowsOptions = object({ hostProcess: flag, runAsUserName: text });
const resources = object({ requests: map(quantity), limits: map(quantity) });

const container = object({
  name: text,
  image: text,
  imagePullPolicy: text,
  command: list(text),
  args: list(text),
  restartPolicy: text,
  ports: list(object({ containerPort: integer, hostPort: integer })),
  resources,
  securityContext: object({
    privileged: flag,
    runAsUser: integer,
    runAsGroup: integer,
    runAsNonRoot: flag,
    allowPrivilegeEscalation: flag,
    readOnlyRootFilesystem: flag,
    capabilities: object({ add: list(text), drop: list(text) }),
    seccompProfile,
    appArmorProfile,
    procMount: text,
    windowsOptions,
  }),
  volumeMounts: list(object({ name: text, mountPath: text, readOnly: flag, mountPropagation: text })),
  volumeDevices: list(object({ name: text, devicePath: text })),
});

const requirement = object({ key: text, operator: text, values: list(text) });

const checkPod = object({
  metadata: object({
    name: text,
    generateName: text,
    namespace: text,
    labels: map(text),
    annotations: map(text),
    ownerReferences: list(object({ kind: text, controller: flag })),
  }),
  spec: object({
    containers: list(container),
    initContainers: list(container),
    ephemeralContainers: list(container),
    securityContext: object({
      runAsUser: integer,
      runAsGroup: integer,
      runAsNonRoot: flag,
      fsGroup: integer,
      fsGroupChangePolicy: text,
      supplementalGroups: list(integer),
      supplementalGroupsPolicy: text,
      seccompProfile,
      appArmorProfile,
      sysctls: list(object({ name: text, value: text })),
      windowsOptions,
    }),
    volumes: list(
      object({
        name: text,
        hostPath: object({ path: text, type: text }),
        image: object({ reference: text, pullPolicy: text }),
        projected: object({ sources: list(object({})) }),
      }),
    ),
    os: object({ name: text }),
    nodeName: text,
    nodeSelector: map(text),
    affinity: object({
      nodeAffinity: object({
        requiredDuringSchedulingIgnoredDuringExecution: object({
          nodeSelectorTerms: list(
            object({ matchExpressions: list(requirement), matchFields: list(requirement) }),
          ),
        }),
      }),
    }),
    tolerations: list(
      object({ key: text, operator: text, value: text, effect: text, tolerationSeconds: integer }),
    ),
    hostNetwork: flag,
    hostPID: flag,
    hostIPC: flag,
    hostUsers: flag,
    serviceAccountName: text,
    serviceAccount: text,
    automountServiceAccountToken: flag,
    enableServiceLinks: flag,
    resources,
  }),
});
