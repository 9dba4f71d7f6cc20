import { templateInput } from '../admission/scope.js';
import { optOutCommand } from '../admission/text.js';
import type { KubernetesObject } from '../admission/types.js';
import { fieldPath } from '../hardening/fieldPath.js';
import { harden } from '../hardening/harden.js';
import { locatePod } from '../hardening/locate.js';
import type { Plan } from '../hardening/plan.js';
import { RULE_IDS, type Change, type RuleId } from '../hardening/rule.js';
import { RULES_BY_ID } from '../hardening/rules/index.js';
import { validatePod } from '../hardening/validatePod.js';
import type { Evidence, Remedy } from './finding.js';
import { redactFor } from './redact.js';
import { exceptionText, list } from './remedyText.js';
import type { ReportedDiagnosis, ReportedFinding } from './report.js';

/** An object whose pods the API server refuses, and in which words. */
export interface Refusal {
  readonly namespace: string;
  /** `replicaset/web-5d4`. */
  readonly object: string;
  readonly message: string;
  /** `deployment/web`. */
  readonly owner: string | undefined;
  /** What makes the pods, with its template; undefined where it may not be read. */
  readonly maker: KubernetesObject | undefined;
  readonly plan: Plan | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a refusal comes to. */
export type Refused = Pick<ReportedDiagnosis, 'findings' | 'notHardening'>;

/** Names of our entries in the MutatingWebhookConfiguration. */
const OUR_WEBHOOK = /"(?:enforce|audit)\.kube-harden\.io"/;

/**
 * Says of a refusal whether hardening is why. Each wording is the API server's own:
 * - denied and failed calls: k8s.io/apiserver, pkg/admission/plugin/webhook/errors and pkg/util/webhook/error.go
 * - quotas: pkg/admission/plugin/resourcequota/controller.go
 * - Pod Security: k8s.io/pod-security-admission/admission
 */
export function judgeRefusal(refusal: Refusal): Refused {
  const { message } = refusal;
  const evidence = [evidenceOf(refusal)];
  if (message.includes('failed calling webhook') && OUR_WEBHOOK.test(message))
    return { findings: [failedCall(refusal, evidence)] };
  if (message.includes('denied the request: kube-harden refuses') && OUR_WEBHOOK.test(message)) {
    const findings = denials(refusal, evidence);
    if (findings.length > 0) return { findings };
  }
  if (message.includes('exceeded quota:')) return quotaExceeded(refusal, evidence);
  const invalid = invalidField(refusal, evidence);
  if (invalid) return { findings: [invalid] };
  return { findings: [], notHardening: { why: otherReason(message), evidence } };
}

/** What the API server quotes may hold a value of the template's environment. */
function evidenceOf({ message, object, maker }: Refusal): Evidence {
  const pod = maker && locatePod(maker)?.pod;
  const redact = redactFor({ spec: pod?.spec });
  return { source: 'event', at: `event of ${object}`, text: redact(message.replace(/\s+/g, ' ')) };
}

/** What a failed call begins with after the webhook's name, its cause, and what to look at. */
const FAILURES: readonly (readonly [pattern: RegExp, signature: string, cause: string, look: string])[] = [
  [
    /policy ".*" has never loaded/,
    'policyNeverLoaded',
    'The policy that the namespace names is broken, and there is no earlier generation of it.',
    'kubectl describe hardeningpolicies',
  ],
  [
    /could not be looked up/,
    'namespaceNotLookedUp',
    'The webhook does not know the namespace yet, and cannot ask the API server for it.',
    'kubectl -n kube-harden logs deploy/kube-harden --tail=20',
  ],
  [
    /connection refused|no endpoints available|connection reset|: EOF$/,
    'webhookDown',
    'No replica of the webhook is ready, or one has just gone.',
    'kubectl -n kube-harden get pods -o wide',
  ],
  [
    /service ".*" not found/,
    'webhookServiceGone',
    'The Service of the webhook is gone.',
    'kubectl apply --server-side -k manifests/overlays/self-signed',
  ],
  [
    /x509|certificate/,
    'webhookCertificate',
    'The API server does not trust the certificate of the webhook.',
    'kubectl -n kube-harden logs deploy/kube-harden --tail=20',
  ],
  [
    /deadline exceeded|i\/o timeout|Client\.Timeout|no route to host/,
    'webhookTimeout',
    'The webhook did not answer in time: the network between API server and pods, or no CPU.',
    'kubectl -n kube-harden get pods -o wide',
  ],
];

function failedCall({ namespace, message }: Refusal, evidence: readonly Evidence[]): ReportedFinding {
  const [, signature, cause, look] = FAILURES.find(([pattern]) => pattern.test(message)) ?? [
    undefined,
    'webhookFailed',
    'The call of the webhook failed, and no pod is made without it.',
    'kubectl -n kube-harden get pods -o wide',
  ];
  return {
    signature,
    certainty: 'certain',
    cause: `${cause} While it fails, the API server refuses every pod of this namespace.`,
    evidence,
    remedies: [
      { kind: 'policy', what: 'Look why, and mend that.', paste: look },
      {
        kind: 'label',
        what: 'Until then let pods of this namespace be made without it.',
        paste: `kubectl label ns ${namespace} kube-harden.io/mode=disabled --overwrite`,
      },
    ],
  };
}

/** `(1) privileged on container "app": spec... is true; lift it: ...`: written by src/admission/denial.ts. */
const VIOLATION = /\(\d+\) (\w+)(?: on container "([^"]*)")?: (\S+) (is not set|is [^;]*)/g;

function denials(refusal: Refusal, evidence: readonly Evidence[]): ReportedFinding[] {
  return [...refusal.message.matchAll(VIOLATION)].flatMap(([, id, container, field = '', value = '']) => {
    const rule = RULE_IDS.find((known) => known === id);
    if (rule === undefined) return [];
    const finding: ReportedFinding = {
      signature: 'denied',
      rule,
      field,
      ...(container !== undefined && { container }),
      certainty: 'certain',
      cause: `${rule} refuses the pod: ${field} ${value}.`,
      evidence,
      remedies: remediesOf(rule, refusal, container),
    };
    return [finding];
  });
}

function remediesOf(rule: RuleId, refusal: Refusal, container: string | undefined): Remedy[] {
  const { plan, namespace } = refusal;
  const rulePlan = plan?.byId[rule];
  return [
    exceptionRemedy(rule, refusal, container),
    ...(rulePlan?.optOut === 'Allowed'
      ? [
          {
            kind: 'label' as const,
            what: `Turn the rule off in all of namespace ${namespace}.`,
            paste: optOutCommand(rulePlan, namespace),
          },
        ]
      : []),
  ];
}

function exceptionRemedy(
  rule: RuleId,
  { namespace, object, owner, plan, now }: Refusal,
  container: string | undefined,
): Remedy {
  const of = owner ?? object;
  const isWholePod = RULES_BY_ID.get(rule)?.wholePod === true;
  const containers: [string, string][] =
    isWholePod || container === undefined ? [] : [['containers', list([container])]];
  return {
    kind: 'exception',
    what: `Lift ${rule} ${containers.length > 0 ? `on container "${String(container)}"` : 'on its pods'}, in spec of policy ${plan?.policy ?? 'default'}; say why.`,
    paste: exceptionText({
      rule,
      of: of.slice(of.indexOf('/') + 1),
      reason: `${of} is refused for ${rule}; found by kube-harden doctor`,
      match: [['namespaces', list([namespace])], ...containers],
      now,
    }),
  };
}

/** `exceeded quota: team, requested: limits.memory=512Mi, used: ..., limited: ...` */
const QUOTA = /exceeded quota: (\S+?), requested: (.*?), used: (.*?), limited: ([^,\s]+(?:,[a-z][^,\s]*)*)/;

function quotaExceeded(refusal: Refusal, evidence: readonly Evidence[]): Refused {
  const [, quota = '', requested = '', , limited = ''] = QUOTA.exec(refusal.message) ?? [];
  const names = requested.split(',').map((part) => part.split('=')[0] ?? '');
  const added = changesOf(refusal)?.filter(({ rule }) => rule === 'resources');
  const ours = added?.filter((change) => names.some((name) => isOfQuota(change, name)));
  if (added && ours?.length === 0)
    return {
      findings: [],
      notHardening: { why: `Quota ${quota} is used up by what the author asks for.`, evidence },
    };
  if (refusal.plan && refusal.plan.byId.resources === undefined)
    return {
      findings: [],
      notHardening: {
        why: `Quota ${quota} is used up, and the policy adds no requests or limits.`,
        evidence,
      },
    };
  const fields = ours?.map(fieldOf) ?? [];
  return {
    findings: [
      {
        signature: 'quotaByDefaults',
        rule: 'resources',
        ...(fields[0] !== undefined && { field: fields[0] }),
        certainty: ours === undefined ? 'possible' : 'likely',
        cause: `resources adds requests and limits that do not fit in quota ${quota} (${limited}).`,
        evidence,
        remedies: [
          {
            kind: 'template',
            what: 'Say in the template what the containers need; a value of your own is never changed.',
            paste: resourcesYaml(refusal, names),
          },
        ],
      },
    ],
  };
}

/** Whether a change adds to what a quota counts: `cpu` there is `requests.cpu`. */
function isOfQuota({ path }: Change, name: string): boolean {
  const [list, resource] = name.includes('.') ? splitOnce(name) : ['requests', name];
  const at = path.lastIndexOf(list);
  return path.includes('resources') && at >= 0 && (path[at + 1] === undefined || path[at + 1] === resource);
}

function splitOnce(text: string): [string, string] {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
}

function resourcesYaml(refusal: Refusal, names: readonly string[]): string {
  const settings = refusal.plan?.byId.resources?.settings as
    Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  const lists = ['requests', 'limits'].flatMap((list) => {
    const own = names.flatMap((name) => {
      const [of, resource] = name.includes('.') ? splitOnce(name) : ['requests', name];
      if (of !== list) return [];
      const value = settings?.[list]?.[resource];
      return [
        `${resource}: ${typeof value === 'string' ? `${value}  # less than this, which is added now` : '0'}`,
      ];
    });
    return own.length === 0 ? [] : [`  ${list}:`, ...own.map((line) => `    ${line}`)];
  });
  return ['resources:', ...lists].join('\n');
}

/** `Pod "web" is invalid: spec.containers[0].resources.requests: Invalid value: ...`, where a rule writes that field. */
function invalidField(refusal: Refusal, evidence: readonly Evidence[]): ReportedFinding | undefined {
  const field = /is invalid: (?:\[)?(spec\.[^\s:]+):/.exec(refusal.message)?.[1];
  if (field === undefined) return undefined;
  const change = changesOf(refusal)?.find((each) => {
    const own = fieldOf(each);
    return own === field || own.startsWith(`${field}.`) || field.startsWith(`${own}.`);
  });
  if (!change) return undefined;
  return {
    signature: 'invalidField',
    rule: change.rule,
    field,
    ...(change.container && { container: change.container.name }),
    certainty: 'likely',
    cause: `${change.rule} writes ${field}, and so the API server does not take the pod.`,
    evidence,
    remedies: remediesOf(change.rule, refusal, change.container?.name),
  };
}

function fieldOf({ path }: Change): string {
  return fieldPath(path);
}

/** What hardening does to the pods of the maker; undefined where its template is not known. */
function changesOf({ maker, plan }: Refusal): readonly Change[] | undefined {
  if (!plan) return undefined;
  if (plan.mode !== 'enforce') return [];
  const located = maker && locatePod(maker);
  if (!located || validatePod(located.pod, located.base).length > 0) return undefined;
  return harden(templateInput(located), plan).changes;
}

function otherReason(message: string): string {
  if (message.includes('violates PodSecurity'))
    return 'Pod Security admission refuses the pod for what its author asks; hardening adds nothing that it names.';
  if (message.includes('failed quota:')) return 'A quota demands what the pod does not say.';
  if (message.includes('failed calling webhook')) return 'Another webhook than that of kube-harden failed.';
  if (message.includes('denied the request')) return 'Another webhook than that of kube-harden refuses it.';
  return 'The API server refuses the pod for a reason that no rule has a part in.';
}
