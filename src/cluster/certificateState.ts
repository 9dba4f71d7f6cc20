/**
 * What the leader has to do next about the certificates of the Secret: a pure function of what the Secret holds, what
 * the webhook configuration trusts, and the time. Nothing else is remembered, so that a leader that dies at any point
 * leaves nothing half-done: the next one reads where things stand.
 *
 * The one promise: a certificate that any replica may serve chains to an authority that every API server trusts. So a
 * new authority is first trusted (`next`), then signs, and the old one is trusted until nothing that it has signed is
 * valid.
 *
 * A leader's clock may be wrong by years. What one makes that is ahead begins in the future for everybody else: whoever
 * leads with a right clock replaces it, as anything that is not valid. What one makes that is behind is valid for the
 * others too, unless it is behind by a whole life. So leaders with two clocks replace each other's certificates at most
 * once each time the lead changes, and not at all where they differ by less than a certificate lasts until it is due.
 */

export interface Dated {
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface HeldAuthority extends Dated {
  /** Whether its key is there and belongs to it. */
  readonly canSign: boolean;
}

export interface HeldLeaf extends Dated {
  readonly hosts: readonly string[];
  /** The fingerprint of the authority of the Secret that signed it. A leaf that none signed counts as none. */
  readonly issuer: string;
}

export interface CertificateState {
  readonly ca: HeldAuthority | undefined;
  /** Trusted, or about to be, and not signing yet. */
  readonly next: HeldAuthority | undefined;
  /** No longer signing, still trusted. */
  readonly old: readonly Dated[];
  /** Until when; where that is not known, each until it expires itself. */
  readonly oldUntil: number | undefined;
  readonly leaf: HeldLeaf | undefined;
}

export interface Trust {
  /** The authorities in the webhook configuration, in any of its entries; undefined where it cannot be read. */
  readonly bundle: readonly Dated[] | undefined;
  /**
   * For how long this leader has seen every entry hold this authority, without a gap, by its own monotonic clock;
   * undefined where not every entry does. Never another leader's word: its clock may be minutes off.
   */
  heldForMs(fingerprint: string): number | undefined;
}

export interface CertificateSettings {
  readonly hosts: readonly string[];
  readonly certificateDurationMs: number;
  readonly caDurationMs: number;
}

export type Step =
  /** By our clock nothing is valid, served or trusted: an authority and a leaf at once. What there was is kept as old. */
  | { readonly do: 'create'; readonly oldUntil: number | undefined }
  /** The bundle trusts what the Secret does not know, and replicas may serve what that has signed: it is kept as old. */
  | { readonly do: 'adopt'; readonly adopt: readonly Dated[]; readonly oldUntil: number }
  | { readonly do: 'addNext' }
  | { readonly do: 'promoteNext'; readonly oldUntil: number | undefined }
  | { readonly do: 'issueLeaf' }
  | { readonly do: 'dropOld'; readonly keep: readonly Dated[] };

/** API servers hear of a changed webhook configuration within a second; one that is cut off is not waited for longer. */
const PROPAGATION_MS = 60_000;

/** How long an authority is trusted before it signs: less where the whole of its life is short. */
export function propagationMs({ caDurationMs }: Pick<CertificateSettings, 'caDurationMs'>): number {
  return Math.min(PROPAGATION_MS, caDurationMs / 20);
}

/** Clocks differ by so much, which is no fault: added to what another machine's clock decides. Issuing backdates by it. */
const SKEW_MS = 5 * 60_000;
function skewMs(durationMs: number): number {
  return Math.min(SKEW_MS, durationMs / 12);
}

/** Certificates' dates have whole seconds. */
const ROUNDING_MS = 1000;

/** Two thirds of its life, or of the life that is asked for now where that has become shorter. */
export function renewAt({ notBefore, notAfter }: Dated, durationMs: number): number {
  return Math.min(
    notAfter - (notAfter - notBefore) / 3,
    notBefore + skewMs(durationMs) + (durationMs * 2) / 3,
  );
}

/** A leaf never outlives its authority. */
export function leafEnd(ca: Dated, now: number, { certificateDurationMs }: CertificateSettings): number {
  return Math.min(now + certificateDurationMs, ca.notAfter);
}

/** By this clock. What a clock a few minutes ahead has made is valid: issuing has backdated it. */
function isValid({ notBefore, notAfter }: Dated, now: number): boolean {
  return notBefore <= now && now < notAfter;
}

/**
 * Whether a replica had better go on with the leaf that it serves than take the one of the Secret: that one is not valid
 * by its clock, its own is, for so much longer, and is trusted on. Somebody's clock is wrong then. If it is the leader's,
 * calls of this replica go on; if it is this one's, nothing is lost either: the old leaf's time is not over.
 */
export function isBetterThanFound(
  served: HeldLeaf,
  { ca, next, old, leaf }: CertificateState,
  now: number,
  forMs: number,
): boolean {
  const isTrusted = [ca, next, ...old].some((held) => held?.fingerprint === served.issuer);
  const isValidLonger = served.notBefore <= now && now + forMs < served.notAfter;
  return leaf !== undefined && !isValid(leaf, now) && isValidLonger && isTrusted;
}

/** @returns undefined where all is well, or what is needed cannot be done yet */
export function nextStep(
  state: CertificateState,
  trust: Trust,
  now: number,
  settings: CertificateSettings,
): Step | undefined {
  const ca = signing(state.ca, now, settings);
  const next = signing(state.next, now, settings);
  const leaf = state.leaf !== undefined && now < state.leaf.notAfter ? state.leaf : undefined;

  if (leaf === undefined && trust.bundle !== undefined) {
    const alive = trust.bundle.filter(({ notAfter }) => now < notAfter);
    if (ca === undefined && next === undefined && alive.length === 0)
      return { do: 'create', oldUntil: oldUntilAfterCreation(state, now, settings) };
    const step = adoption(state, alive, now, settings);
    if (step !== undefined) return step;
  }
  if (next !== undefined && isTrusted(next, trust, now, settings)) {
    return { do: 'promoteNext', oldUntil: oldUntilAfterPromotion(state, now, settings) };
  }
  // Where the bundle cannot be read, nothing may be signed anew, nor is it known that nothing is trusted.
  // A next one that cannot sign, having lost its key or being of the future, would be trusted on for nothing.
  const isNextDue = ca === undefined || state.next !== undefined || now >= renewAt(ca, settings.caDurationMs);
  if (isNextDue && next === undefined && trust.bundle !== undefined) return { do: 'addNext' };
  if (ca !== undefined && isLeafDue(ca, state.leaf, now, settings)) {
    // Signed by the authority of the one before, it is trusted exactly as far as that one is.
    if (state.leaf?.issuer === ca.fingerprint || isTrusted(ca, trust, now, settings))
      return { do: 'issueLeaf' };
  }
  const keep = state.old.filter((old) => isOldNeeded(old, state, now, settings));
  return keep.length < state.old.length ? { do: 'dropOld', keep } : undefined;
}

/** One that is about to begin is waited for: a user may have brought it from a machine that is minutes ahead. */
function signing(
  authority: HeldAuthority | undefined,
  now: number,
  { caDurationMs }: CertificateSettings,
): HeldAuthority | undefined {
  if (authority?.canSign !== true || now >= authority.notAfter) return undefined;
  return authority.notBefore <= now + skewMs(caDurationMs) ? authority : undefined;
}

/** API servers refuse what an authority has signed that has not begun, whether or not they hold it. */
function isTrusted(authority: Dated, trust: Trust, now: number, settings: CertificateSettings): boolean {
  const heldFor = trust.heldForMs(authority.fingerprint);
  return isValid(authority, now) && heldFor !== undefined && heldFor >= propagationMs(settings);
}

function isLeafDue(
  ca: Dated,
  leaf: HeldLeaf | undefined,
  now: number,
  settings: CertificateSettings,
): boolean {
  if (leaf?.issuer !== ca.fingerprint || !isValid(leaf, now)) return true;
  if (!sameHosts(leaf.hosts, settings.hosts)) return true;
  if (now < renewAt(leaf, settings.certificateDurationMs)) return false;
  const { certificateDurationMs: asked } = settings;
  const isTooLong = leaf.notAfter - leaf.notBefore > asked + skewMs(asked) + ROUNDING_MS;
  // Near its authority's end a new leaf would end where this one does, and be due at once.
  return isTooLong || leafEnd(ca, now, settings) >= leaf.notAfter + ROUNDING_MS;
}

function sameHosts(some: readonly string[], others: readonly string[]): boolean {
  const [a, b] = [new Set(some), new Set(others)];
  return a.size === b.size && [...a].every((host) => b.has(host));
}

function adoption(
  { ca, next, old, oldUntil }: CertificateState,
  alive: readonly Dated[],
  now: number,
  settings: CertificateSettings,
): Step | undefined {
  const known = new Set([ca, next, ...old].map((held) => held?.fingerprint));
  const adopt = alive.filter(({ fingerprint }) => !known.has(fingerprint));
  if (adopt.length === 0) return undefined;
  // What such an authority has signed is not known; it lives no longer than leaves do.
  const end = Math.min(
    Math.max(...adopt.map(({ notAfter }) => notAfter)),
    now + settings.certificateDurationMs,
  );
  return { do: 'adopt', adopt, oldUntil: Math.max(end, oldUntil ?? 0) };
}

/**
 * Everything has expired, or our clock is years ahead: other replicas then go on to serve what theirs call valid, as long
 * as it is trusted.
 */
function oldUntilAfterCreation(
  { ca, oldUntil }: CertificateState,
  now: number,
  settings: CertificateSettings,
): number | undefined {
  return ca === undefined ? oldUntil : Math.max(now + settings.certificateDurationMs, oldUntil ?? 0);
}

/** The old authority is trusted until the last leaf that it has signed ends. */
function oldUntilAfterPromotion(
  { ca, leaf, oldUntil }: CertificateState,
  now: number,
  settings: CertificateSettings,
): number | undefined {
  if (ca === undefined) return oldUntil;
  const aLifeFromNow = now + settings.certificateDurationMs;
  // A clock that was far ahead has made it, and has said until when those before are trusted.
  if (ca.notBefore > aLifeFromNow) return aLifeFromNow;
  // Without a leaf in the Secret, or with one that has ended by our clock, replicas may serve one that is valid by theirs.
  const end = leaf !== undefined && now < leaf.notAfter ? leaf.notAfter : aLifeFromNow;
  return Math.max(end, oldUntil ?? 0);
}

function isOldNeeded(
  old: Dated,
  { leaf, oldUntil }: CertificateState,
  now: number,
  settings: CertificateSettings,
): boolean {
  if (leaf?.issuer === old.fingerprint && now < leaf.notAfter) return true;
  // Beyond its own end too: that our clock says so is what is not believed, see `oldUntilAfterCreation`.
  return oldUntil === undefined
    ? now < old.notAfter + skewMs(settings.caDurationMs)
    : now < oldUntil + skewMs(settings.certificateDurationMs);
}
