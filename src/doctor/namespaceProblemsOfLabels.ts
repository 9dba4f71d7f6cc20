import type { Plan } from '../hardening/plan.js';
import { RULE_IDS } from '../hardening/rule.js';
import { didYouMean } from '../policy/didYouMean.js';
import { LABEL_PREFIX, MODE_LABEL, POLICY_LABEL } from '../policy/plan.js';
import { MODES, RULE_VALUES } from '../preview/choices.js';
import type { NamespaceFacts } from './gather.js';
import type { ReportedDiagnosis, SetUpFinding } from './report.js';

/** Labels of kube-harden that are no rule's. */
const OTHER_LABELS = ['mode', 'policy', 'uid-range'];
const DOMAIN = LABEL_PREFIX.slice(0, -1);

/**
 * Labels of a namespace that do not say what somebody meant: a typo in a name or a value, a policy that is not there, an
 * opt-out that the policy forbids. All of them are heeded in the way that is told.
 *
 * @param policies the names of those that are there; undefined where nobody knows
 */
export function labelProblems(
  { name, labels, plan }: NamespaceFacts,
  policies: readonly string[] | undefined,
): ReportedDiagnosis[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    const found = problemOf(label, value, name, plan, policies);
    if (found === undefined) return [];
    const { cause, signature, mend } = found;
    const finding: SetUpFinding = {
      signature,
      certainty: 'certain',
      cause,
      evidence: [{ source: 'object', at: `label of namespace ${name}`, text: `${label}=${value}` }],
      remedies: [
        { kind: 'label', what: mend.what, paste: `kubectl label ns ${name} ${mend.words} --overwrite` },
      ],
    };
    return [
      {
        namespace: name,
        object: `namespace/${name}`,
        state: 'broken' as const,
        symptom: `label ${label}=${value}`,
        findings: [finding],
        missing: [],
      },
    ];
  });
}

interface LabelProblem {
  readonly signature: string;
  readonly cause: string;
  readonly mend: { readonly what: string; readonly words: string };
}

function problemOf(
  label: string,
  value: string,
  namespace: string,
  plan: Plan | undefined,
  policies: readonly string[] | undefined,
): LabelProblem | undefined {
  if (!label.startsWith(LABEL_PREFIX)) return likeOurs(label, value);
  if (label === MODE_LABEL) return modeProblem(value);
  if (label === POLICY_LABEL) return policyProblem(value, policies);
  const id = label.slice(LABEL_PREFIX.length);
  if (OTHER_LABELS.includes(id)) return undefined;
  const rule = RULE_IDS.find((known) => known === id);
  if (rule === undefined) return ruleNameProblem(label, id, value);
  if (!RULE_VALUES.includes(value)) {
    const meant = didYouMean(value, RULE_VALUES);
    return {
      signature: 'labelValueUnknown',
      cause: `It is not disabled or warn, so it is not heeded: ${rule} acts as the policy says.`,
      mend: {
        what: meant === undefined ? 'Say what is meant, or take it away with a "-".' : `Write ${meant}.`,
        words: meant === undefined ? `${label}-` : `${label}=${meant}`,
      },
    };
  }
  if (plan?.byId[rule]?.optOut !== 'Forbidden') return undefined;
  return {
    signature: 'optOutForbidden',
    cause: `Policy ${plan.policy} forbids to opt out of ${rule}: the label is not heeded, and the rule acts.`,
    mend: {
      what: `Take the label away; where ${rule} must not act in ${namespace}, ask for an exception in policy ${plan.policy}.`,
      words: `${label}-`,
    },
  };
}

function modeProblem(value: string): LabelProblem | undefined {
  if ((MODES as readonly string[]).includes(value)) return undefined;
  const meant = didYouMean(value, MODES) ?? 'enforce';
  return {
    signature: 'modeUnknown',
    cause: 'It is not enforce, audit or disabled, so the namespace is treated as audit: nothing is hardened.',
    mend: { what: `Write the mode that is meant, probably ${meant}.`, words: `${MODE_LABEL}=${meant}` },
  };
}

function policyProblem(value: string, policies: readonly string[] | undefined): LabelProblem | undefined {
  if (policies === undefined || policies.includes(value)) return undefined;
  const meant = didYouMean(value, policies);
  return {
    signature: 'policyUnknown',
    cause:
      'There is no HardeningPolicy of this name, so the policy "default" applies, with all that it does.',
    mend: {
      what: `Name one that is there (${policies.join(', ')}).`,
      words: `${POLICY_LABEL}=${meant ?? 'default'}`,
    },
  };
}

function ruleNameProblem(label: string, id: string, value: string): LabelProblem {
  const meant = didYouMean(id, [...RULE_IDS, ...OTHER_LABELS]);
  return {
    signature: 'labelNameUnknown',
    cause: 'There is no rule of this name, so the label is not heeded.',
    mend:
      meant === undefined
        ? { what: 'Take it away; kube-harden rules lists the rules.', words: `${label}-` }
        : { what: `Write ${meant}.`, words: `${label}- ${LABEL_PREFIX}${meant}=${value}` },
  };
}

/** A label under a name that is nearly ours: nobody heeds it. */
function likeOurs(label: string, value: string): LabelProblem | undefined {
  const slash = label.indexOf('/');
  if (slash < 0 || didYouMean(label.slice(0, slash), [DOMAIN]) === undefined) return undefined;
  const id = label.slice(slash + 1);
  if (![...RULE_IDS, ...OTHER_LABELS].includes(id)) return undefined;
  return {
    signature: 'labelDomainUnknown',
    cause: `Labels of kube-harden begin with ${LABEL_PREFIX}: nobody heeds this one.`,
    mend: { what: `Write ${LABEL_PREFIX}${id}.`, words: `${label}- ${LABEL_PREFIX}${id}=${value}` },
  };
}
