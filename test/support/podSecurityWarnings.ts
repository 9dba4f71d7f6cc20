import type { Pod } from '../../src/hardening/podSpec.js';
import { CONTROLS } from '../../src/podSecurity/controls/index.js';
import { failedControls } from '../../src/podSecurity/evaluate.js';
import { NEWEST_MINOR, parsePodSecurityVersion } from '../../src/podSecurity/version.js';

/*
 * What the API server's own Pod Security admission says of a pod, read back into the ids of src/podSecurity, so that a
 * test can compare which controls fail and not only whether any does. The wording is that of
 * k8s.io/pod-security-admission v0.36: admission/admission.go (EvaluatePod) and policy/checks.go (ForbiddenDetail).
 */

type Refusing = 'baseline' | 'restricted';

export interface PodSecurityMessage {
  readonly level: Refusing;
  /** `latest`, or the version that the namespace's label pins. */
  readonly version: string;
  /** Ids of the failing controls, sorted. */
  readonly controls: readonly string[];
  /** False where the API server has cut a long warning (256 characters once all have more than 4,096). */
  readonly complete: boolean;
}

/** Upstream's reason for each control; where a level has a control of its own, by level. */
const BY_REASON = new Map<string, string | Readonly<Record<Refusing, string>>>([
  ['allowPrivilegeEscalation != false', 'allowPrivilegeEscalation'],
  ['forbidden AppArmor profile', 'appArmorProfile'],
  ['forbidden AppArmor profiles', 'appArmorProfile'],
  ['non-default capabilities', 'capabilities_baseline'],
  ['unrestricted capabilities', 'capabilities_restricted'],
  ['host namespaces', 'hostNamespaces'],
  ['hostPath volumes', 'hostPathVolumes'],
  ['hostPort', 'hostPorts'],
  ['probe or lifecycle host', 'hostProbesAndHostLifecycle'],
  ['privileged', 'privileged'],
  ['procMount', { baseline: 'procMount', restricted: 'procMount_restricted' }],
  ['restricted volume types', 'restrictedVolumes'],
  ['runAsNonRoot != true', 'runAsNonRoot'],
  ['runAsUser=0', 'runAsUser'],
  ['seLinuxOptions', 'seLinuxOptions'],
  ['seccompProfile', { baseline: 'seccompProfile_baseline', restricted: 'seccompProfile_restricted' }],
  ['forbidden sysctls', 'sysctls'],
  ['hostProcess', 'windowsHostProcess'],
]);

/** At the restricted level upstream leaves out each control that has a restricted variant (OverrideCheckIDs). */
const VARIANTS = new Map([
  ['capabilities_baseline', 'capabilities_restricted'],
  ['hostPathVolumes', 'restrictedVolumes'],
  ['procMount', 'procMount_restricted'],
  ['seccompProfile_baseline', 'seccompProfile_restricted'],
]);

/**
 * The controls that upstream would name at a level, as we predict them, sorted.
 * @param minor of the version of the standards, 36 for v1.36
 */
export function predictedControls(pod: Pod, level: Refusing, minor = NEWEST_MINOR): string[] {
  return failedControls(pod, level, minor)
    .map(({ control }) => control)
    .filter((control) => level === 'baseline' || !isInForce(VARIANTS.get(control), minor))
    .sort();
}

function isInForce(control: string | undefined, minor: number): boolean {
  return CONTROLS.some(({ id, since = 0 }) => id === control && since <= minor);
}

/**
 * @param text a warning (`would violate PodSecurity ...`) or a rejection (`pods "a" is forbidden: violates ...`), with
 * whatever kubectl writes before it
 * @returns undefined for a text that is not Pod Security's
 * @throws Error for a reason that is not known: upstream has a control that src/podSecurity has not
 */
export function parsePodSecurityMessage(text: string): PodSecurityMessage | undefined {
  const start = /\b(?:would violate|violates) PodSecurity "(baseline|restricted):([^"]+)": /.exec(text);
  if (!start) return undefined;
  const [before, word, version = ''] = start;
  const level = word === 'baseline' ? word : 'restricted';
  const pinned = parsePodSecurityVersion(version);
  const minor = typeof pinned === 'number' ? pinned : NEWEST_MINOR;
  const { reasons, complete } = readReasons(text.slice(start.index + before.length).trimEnd());
  const controls = reasons.map((reason) => {
    const control = BY_REASON.get(reason);
    if (control === undefined) throw new Error(`Pod Security gives a reason that is not known: ${reason}`);
    if (typeof control === 'string') return control;
    return isInForce(control[level], minor) ? control[level] : control.baseline;
  });
  return { level, version, controls: controls.sort(), complete };
}

/**
 * `reason (detail), reason (detail)`: a comma or parenthesis in a detail's quotes or parentheses separates nothing.
 * Every reason of upstream's has a detail, so that a text which does not end with one has been cut.
 */
function readReasons(text: string): { reasons: string[]; complete: boolean } {
  const reasons = [''];
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') quoted = quoted && text[index - 1] === '\\' ? quoted : !quoted;
    else if (quoted) continue;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (depth > 0) continue;
    else if (character === ',') reasons.push('');
    else reasons.push((reasons.pop() ?? '') + character);
  }
  const complete = depth === 0 && !quoted && text.endsWith(')');
  const read = reasons.map((reason) => reason.trim());
  // The cut may have gone through a reason.
  if (!complete && !BY_REASON.has(read.at(-1) ?? '')) read.pop();
  return { reasons: read, complete };
}
