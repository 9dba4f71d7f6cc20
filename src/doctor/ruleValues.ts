import { isRecord } from '../hardening/locate.js';
import { PORT_SYSCTL } from '../hardening/lowPorts.js';
import type { Container, PodSpec } from '../hardening/podSpec.js';
import { parseQuantity } from '../hardening/quantity.js';
import type { RuleId } from '../hardening/rule.js';
import type { Settings as SchedulingSettings } from '../hardening/rules/scheduling.settings.js';
import type { PodFacts } from './facts.js';
import type { Reached } from './reach.js';

/** A field whose value is not the author's, or may not be. */
export interface Difference extends Reached {
  readonly before: unknown;
  readonly after: unknown;
  readonly isCompared: boolean;
}

/**
 * Whether a difference is of the kind that the rule makes. The API server, controllers and other webhooks write in a pod
 * too, and what they write is no rule's doing.
 */
export function isWhatTheRuleWrites(rule: RuleId, difference: Difference, facts: PodFacts): boolean {
  return WRITES[rule](difference, facts);
}

type Test = (difference: Difference, facts: PodFacts) => boolean;

const NEVER: Test = () => false;
const becomes =
  (value: unknown): Test =>
  ({ after }) =>
    after === value;
/** Only where the author said otherwise: unset means the same as what is written. */
const turns =
  (from: unknown, to: unknown): Test =>
  ({ before, after, isCompared }) =>
    isCompared && before === from && (after === to || after === undefined);
const ofType: Test = ({ after, field }) =>
  !field.startsWith('metadata') && isRecord(after) && after['type'] === 'RuntimeDefault';

const WRITES: Readonly<Record<RuleId, Test>> = {
  privileged: turns(true, false),
  runAsNonRoot: becomes(true),
  runAsUser: ({ field, after }) =>
    field.endsWith('fsGroupChangePolicy')
      ? after === 'OnRootMismatch'
      : typeof after === 'number' && after > 0,
  capabilities: ({ field, after, isCompared }) =>
    field.endsWith('.drop') ? Array.isArray(after) && after.includes('ALL') : isCompared,
  allowPrivilegeEscalation: becomes(false),
  readOnlyRootFilesystem: ({ after }) => after === true || isOurEmptyDir(after),
  seccompProfile: ofType,
  resources: isDefaultResource,
  hostNamespaces: (difference, facts) =>
    difference.field.endsWith('.hostPort')
      ? difference.isCompared && difference.after === undefined
      : turns(true, false)(difference, facts),
  hostPath: isHostPathMount,
  runtimeSocket: NEVER,
  sshd: NEVER,
  automountServiceAccountToken: ({ field, after }) =>
    field === 'spec.automountServiceAccountToken' && after === false,
  scheduling: isScheduling,
  unprivilegedPorts: ({ after }) =>
    isRecord(after) && after['name'] === PORT_SYSCTL && after['value'] === '0',
  procMount: turns('Unmasked', 'Default'),
  appArmorProfile: ofType,
  hostUsers: becomes(false),
  enableServiceLinks: becomes(false),
  imagePullPolicy: ({ before, after, isCompared }) =>
    isCompared && before !== undefined && after === 'Always',
  supplementalGroupsPolicy: becomes('Strict'),
};

/** The prefix of the names that the rule gives volumes. */
const VOLUME_PREFIX = 'kube-harden-';

/** A volume that readOnlyRootFilesystem adds, or a mount of one. */
function isOurEmptyDir(value: unknown): boolean {
  if (!isRecord(value) || typeof value['name'] !== 'string' || !value['name'].startsWith(VOLUME_PREFIX))
    return false;
  return isRecord(value['emptyDir']) || typeof value['mountPath'] === 'string';
}

/** Requests and limits come from a LimitRange, an autoscaler and, where a limit stands alone, the API server too. */
function isDefaultResource(difference: Difference, facts: PodFacts): boolean {
  const [, list, name] = /\.resources\.(requests|limits)[.[]"?([\w-]+)/.exec(difference.field) ?? [];
  if (list === undefined || name === undefined || difference.before !== undefined) return false;
  const annotations = facts.pod.metadata?.annotations ?? {};
  if (annotations['vpaUpdates'] !== undefined) return false;
  const what = list === 'requests' ? 'request' : 'limit';
  const limitRange = annotations['kubernetes.io/limit-ranger'] ?? '';
  const byLimitRange = limitRange
    .split(/[:;]/)
    .some((part) =>
      part.trim().endsWith(`${what} for container ${difference.container ?? ''}`) ||
      part.trim().endsWith(`${what} for init container ${difference.container ?? ''}`)
        ? part.includes(name)
        : false,
    );
  if (byLimitRange) return false;
  return what === 'limit' || !isRequestOfLimit(difference, name, facts);
}

/** core/v1 SetDefaults_Pod: a request that is not given is that of the limit, where the author gave one. */
function isRequestOfLimit({ container, after }: Difference, name: string, { author }: PodFacts): boolean {
  const spec = isRecord(author?.object.spec) ? author.object.spec : {};
  for (const list of [spec['containers'], spec['initContainers']]) {
    if (!Array.isArray(list)) continue;
    const own: unknown = list.find((item) => isRecord(item) && item['name'] === container);
    const resources = isRecord(own) ? own['resources'] : undefined;
    const limits = isRecord(resources) ? resources['limits'] : undefined;
    const limit = isRecord(limits) ? limits[name] : undefined;
    if (limit !== undefined) return sameQuantity(limit, after);
  }
  return false;
}

function sameQuantity(a: unknown, b: unknown): boolean {
  const isQuantity = (value: unknown): value is string | number =>
    typeof value === 'string' || typeof value === 'number';
  return isQuantity(a) && isQuantity(b) && parseQuantity(a) === parseQuantity(b);
}

/** Mounts of other volumes are read-only by themselves, such as that of the token. */
function isHostPathMount({ field, after, isCompared }: Difference, { pod }: PodFacts): boolean {
  const [, list, container, mount] = /^spec\.(\w+)\[(\d+)\]\.volumeMounts\[(\d+)\]/.exec(field) ?? [];
  const spec = (isRecord(pod.spec) ? pod.spec : {}) as PodSpec & Record<string, Container[] | undefined>;
  const name = spec[list ?? '']?.[Number(container)]?.volumeMounts?.[Number(mount)]?.name;
  const volume = spec.volumes?.find((candidate) => candidate.name === name);
  return isCompared && after === true && volume?.hostPath != null;
}

/** A DaemonSet's controller and other plugins of the API server select nodes too: only what the policy asks for is ours. */
function isScheduling({ field, after }: Difference, { plan }: PodFacts): boolean {
  if (field.startsWith('spec.tolerations')) return false;
  const settings = plan?.byId.scheduling?.settings as SchedulingSettings | undefined;
  if (!settings) return !plan;
  const label = /^spec\.nodeSelector(?:\.|\["?)([^"\]]+)/.exec(field)?.[1];
  if (label !== undefined) return settings.nodeSelector[label] === after;
  const terms = settings.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms ?? [];
  const asked = terms.flatMap(({ matchExpressions }) => matchExpressions).map(({ key }) => key);
  const text = JSON.stringify(after);
  return asked.some((key) => text.includes(JSON.stringify(key)));
}
