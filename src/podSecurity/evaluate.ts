import type { Pod } from '../hardening/podSpec.js';
import type { Level, PodSecurityControl, RefusedField } from './control.js';
import { CONTROLS } from './controls/index.js';
import { type PodView, viewPod } from './podView.js';
import { NEWEST_MINOR } from './version.js';

/*
 * Pod Security Standards v1.0 to v1.37, as the API server's own admission evaluates them
 * (kubernetes/pod-security-admission v0.37, policy/). Null means unset everywhere, as it does to the API server. What
 * changed from one version to the next stands in the control that changed, with the minor since which it holds.
 *
 * One difference, on purpose: upstream's restricted level leaves out the baseline controls that have a restricted
 * variant (capabilities, hostPathVolumes, procMount, seccompProfile); here both run and both are named. It shows in the
 * verdict only on pods that the API server refuses anyway: a Windows pod with capabilities or a seccompProfile, and a
 * volume with two sources.
 */

/** One control that a pod fails. */
export interface Blocker {
  /** Upstream's check id, such as `capabilities_restricted`. */
  readonly control: string;
  readonly level: 'baseline' | 'restricted';
  /** One line: what is refused, naming containers and values. See Refusal in control.ts. */
  readonly message: string;
  /** Every field that has to change; never empty. */
  readonly fields: readonly RefusedField[];
}

export interface PodSecurityResult {
  /** The highest level that the pod reaches. */
  readonly level: Level;
  /** What keeps it from the next level: baseline controls for a privileged pod, restricted ones for a baseline pod. */
  readonly blockers: readonly Blocker[];
}

const BASELINE = CONTROLS.filter(({ level }) => level === 'baseline');
const RESTRICTED = CONTROLS.filter(({ level }) => level === 'restricted');

/**
 * The highest level of the Pod Security Standards that a pod (or a pod template) reaches, and what keeps it from the
 * next. Never throws and never writes to the pod.
 *
 * @param minor of the version of the standards to judge by, 36 for v1.36; one that is not known yet counts as the newest
 */
export function evaluatePodSecurity(pod: Pod, minor = NEWEST_MINOR): PodSecurityResult {
  const view = viewPod(pod);
  const baseline = failing(BASELINE, view, minor);
  if (baseline.length > 0) return { level: 'privileged', blockers: baseline };
  const restricted = failing(RESTRICTED, view, minor);
  return { level: restricted.length > 0 ? 'baseline' : 'restricted', blockers: restricted };
}

/**
 * Every control that a pod fails at a level: none at privileged; at restricted the baseline controls as well.
 *
 * @param minor of the version of the standards, as for evaluatePodSecurity
 */
export function failedControls(pod: Pod, level: Level, minor = NEWEST_MINOR): Blocker[] {
  if (level === 'privileged') return [];
  return failing(level === 'baseline' ? BASELINE : CONTROLS, viewPod(pod), minor);
}

function failing(controls: readonly PodSecurityControl[], pod: PodView, minor: number): Blocker[] {
  const blockers: Blocker[] = [];
  for (const control of controls) {
    if (minor < (control.since ?? 0)) continue;
    const refusal = control.check(pod, minor);
    if (refusal) blockers.push({ control: control.id, level: control.level, ...refusal });
  }
  return blockers;
}
