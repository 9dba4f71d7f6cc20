import { optOutCommand } from '../admission/text.js';
import { RULES_BY_ID } from '../hardening/rules/index.js';
import { scalarText } from '../policy/yamlLine.js';
import type { Remedy } from './finding.js';
import type { Blamed, Match } from './match.js';
import { profileRemedy } from './profileRemedy.js';
import { exceptionText, list, quoted } from './remedyText.js';
import { templateRemedy } from './templateRemedy.js';

/**
 * What mends a finding, the smallest first: the image's profile keeps the rule, the template's explicit value lifts it on
 * one container, an exception with an end on that container in the policy, and the label in the whole namespace.
 *
 * @param now milliseconds since the epoch, from which the exception's end is counted
 */
export function remediesFor(match: Match, blamed: Blamed, now: number): Remedy[] {
  const plan = match.sighting.facts.plan;
  const rulePlan = plan?.byId[blamed.rule];
  const remedies: (Remedy | undefined)[] = [profileRemedy(match, blamed)];
  // Under Override an explicit value is replaced all the same.
  if (rulePlan?.action !== 'Override') remedies.push(templateRemedy(match, blamed));
  remedies.push(exceptionRemedy(match, blamed, now), labelRemedy(match, blamed));
  return remedies.filter((remedy) => remedy !== undefined);
}

function labelRemedy({ sighting }: Match, { rule }: Blamed): Remedy | undefined {
  const { facts, pod } = sighting;
  const rulePlan = facts.plan?.byId[rule];
  const known = RULES_BY_ID.get(rule);
  if (!known || rulePlan?.optOut === 'Forbidden') return undefined;
  const hasLabel = Object.hasOwn(facts.namespaceLabels, `kube-harden.io/${rule}`);
  const command = optOutCommand(
    { rule: known, action: 'Default', settings: {}, optOut: 'Allowed', optedOut: false, hasLabel },
    pod.namespace,
  );
  return {
    kind: 'label',
    what: `Turn ${rule} off in the whole namespace, for pods that are created from then on.`,
    paste: command,
  };
}

function exceptionRemedy(match: Match, { rule }: Blamed, now: number): Remedy {
  const { pod, container, facts } = match.sighting;
  const isWholePod = RULES_BY_ID.get(rule)?.wholePod === true;
  const matchers: [string, string][] = [['namespaces', list([pod.namespace])]];
  const app = ['app.kubernetes.io/name', 'app', 'k8s-app'].find(
    (key) => pod.object.metadata?.labels?.[key] !== undefined,
  );
  if (app !== undefined)
    matchers.push(['podLabels', `{${scalarText(app)}: ${quoted(pod.object.metadata?.labels?.[app] ?? '')}}`]);
  // A rule of the whole pod is lifted only where every container matches.
  if (!isWholePod && container) matchers.push(['containers', list([container.name])]);
  const paste = exceptionText({
    rule,
    of: nameOf(match),
    reason: `${match.signature.means}; found by kube-harden doctor`,
    match: matchers,
    now,
  });
  const where = `in spec of policy ${facts.plan?.policy ?? 'default'}`;
  const of = isWholePod || !container ? 'this pod' : `container "${container.name}"`;
  return { kind: 'exception', what: `Lift ${rule} on ${of}, ${where}.`, paste };
}

/** Without the hashes of controllers: the exception is for all pods of a workload. */
function nameOf({ sighting: { pod } }: Match): string {
  return pod.owner?.slice(pod.owner.indexOf('/') + 1) ?? pod.name;
}
