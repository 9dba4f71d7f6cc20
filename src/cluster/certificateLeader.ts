import type { PemPair } from '../server/certificateAuthority.js';
import type { Logger } from '../telemetry/logger.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';
import { CaBundles } from './caBundle.js';
import {
  bundlePem,
  readCertificateSecret,
  writeCertificateSecret,
  type Authority,
  type CertificateSecret,
  type SecretData,
} from './certificateSecret.js';
import { leafEnd, nextStep, propagationMs, type CertificateSettings, type Step } from './certificateState.js';
import type { Clock } from './clock.js';
import { CONFIGURATION_PATH } from './installNamespace.js';
import { pause } from './pause.js';

export interface CertificateLeaderOptions extends CertificateSettings {
  readonly api: ApiClient;
  readonly secretPath: string;
  readonly logger: Logger;
  /** Told what was made, or could not be. */
  readonly renewed: (what: 'ca' | 'leaf', ok: boolean) => void;
  readonly clock: Clock;
}

/** How often the Secret and the webhook configuration are looked at: re-applied manifests may have emptied a caBundle. */
const LOOK_MS = 10_000;
/** After a change, after the first failure, and while there is no configuration: whoever puts it back waits for us. */
const SOON_MS = 1_000;
/** However short certificates live: 5 times a second two small objects are read. */
const SHORTEST_PAUSE_MS = 200;
/** So many changes of the Secret follow each other at once; more, and another tool undoes them. */
const STEPS_AT_ONCE = 4;

const MESSAGES: Readonly<Record<Step['do'], string>> = {
  create: 'certificate authority and certificate made',
  adopt: 'an authority that only the webhook configuration knew is trusted on',
  addNext: 'next certificate authority made: trusted first, used later',
  promoteNext: 'next certificate authority signs from now on',
  issueLeaf: 'certificate renewed',
  dropOld: 'old certificate authority is trusted no longer',
};

/**
 * The one replica that writes: the Secret by the steps of `nextStep`, one at a time, and the caBundles of our own
 * webhook configuration so that they hold what the Secret does. Each write names the version that was read.
 */
export class CertificateLeader {
  /** Since when this leader has seen an authority in every caBundle, by the monotonic clock. */
  private readonly heldSince = new Map<string, number>();
  private stepsInARow = 0;
  private failures = 0;
  private readonly told = new Set<string>();
  private wakeUp = new AbortController();

  constructor(private readonly options: CertificateLeaderOptions) {}

  /** Looks after the certificates until `signal` is aborted; never rejects. */
  async lead(signal: AbortSignal): Promise<void> {
    this.heldSince.clear();
    while (!signal.aborted) {
      // Before the round, so that what changes during it is looked at too.
      const woken = (this.wakeUp = new AbortController()).signal;
      const milliseconds = await this.tryRound(signal);
      // Another tool that undoes what is written here wakes as well: that must not become a loop.
      await pause(milliseconds, this.stepsInARow > STEPS_AT_ONCE ? [signal] : [signal, woken]);
    }
  }

  /** The Secret has changed: look at once. */
  wake(): void {
    this.wakeUp.abort();
  }

  /**
   * Looks once and changes at most one object.
   * @returns what was changed
   * @throws ApiError, or the system's own error
   */
  async round(signal: AbortSignal): Promise<'secret' | 'bundle' | 'nothing'> {
    // In this order: a Secret that is older than the configuration could take away what a newer one has added.
    const configuration = await this.readConfiguration();
    const secret = await this.options.api.request('GET', this.options.secretPath);
    const read = readCertificateSecret(secret);
    this.observe(configuration, read);
    const bundles = configuration instanceof CaBundles ? configuration : undefined;
    const trust = {
      bundle: configuration === 'missing' ? [] : bundles?.authorities,
      heldForMs: (fingerprint: string): number | undefined => {
        const since = this.heldSince.get(fingerprint);
        return since === undefined || trust.bundle === undefined
          ? undefined
          : this.options.clock.monotonic() - since;
      },
    };
    const step = nextStep(read.state, trust, this.options.clock.now(), this.options);
    if (step !== undefined) {
      await this.take(step, secret, read, trust.bundle ?? [], signal);
      return 'secret';
    }
    if (configuration instanceof Error) throw configuration;
    // An empty Secret is about to be filled: nobody is told to trust nothing.
    const patch = read.authorities.length === 0 ? undefined : bundles?.patchTo(read.authorities);
    if (patch === undefined || signal.aborted) return 'nothing';
    await this.options.api.request('PATCH', CONFIGURATION_PATH, {
      body: patch,
      contentType: 'application/json-patch+json',
    });
    this.options.logger.info('caBundle of the webhook configuration updated', {
      authorities: read.authorities.length,
    });
    return 'bundle';
  }

  private async tryRound(signal: AbortSignal): Promise<number> {
    try {
      const changed = await this.round(signal);
      if (this.failures > 0) this.told.delete('failing');
      this.failures = 0;
      this.stepsInARow = changed === 'secret' ? this.stepsInARow + 1 : 0;
      if (changed === 'nothing') return this.told.has('missing') ? this.soonMs() : this.lookMs();
      return changed === 'secret' && this.stepsInARow <= STEPS_AT_ONCE ? 0 : this.soonMs();
    } catch (error) {
      if (signal.aborted) return 0;
      this.failures += 1;
      this.tell(error);
      return Math.min(this.lookMs(), this.soonMs() * 2 ** Math.min(this.failures - 1, 10));
    }
  }

  /** A third of the shortest delay that has to be kept, so that lives of a minute work as those of years do. */
  private lookMs(): number {
    const { certificateDurationMs } = this.options;
    const shortest = Math.min(LOOK_MS, certificateDurationMs / 30, propagationMs(this.options) / 3);
    return Math.max(SHORTEST_PAUSE_MS, shortest);
  }

  private soonMs(): number {
    return Math.min(SOON_MS, this.lookMs());
  }

  /** @returns the error where it cannot be read: leaves are renewed all the same */
  private async readConfiguration(): Promise<CaBundles | 'missing' | Error> {
    const { api, logger } = this.options;
    try {
      const configuration = await api.request('GET', CONFIGURATION_PATH);
      this.told.delete('missing');
      return new CaBundles(configuration);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404))
        return error instanceof Error ? error : new Error(String(error));
      if (!this.told.has('missing')) {
        this.told.add('missing');
        logger.error(
          'the webhook configuration is missing, so that no API server calls: apply the manifests, which bring it',
          { configuration: 'kube-harden' },
        );
      }
      return 'missing';
    }
  }

  /** Where there is no configuration nobody distrusts anything; what comes then is looked at within seconds. */
  private observe(configuration: CaBundles | 'missing' | Error, { authorities }: CertificateSecret): void {
    if (configuration instanceof Error) return;
    const held =
      configuration === 'missing'
        ? new Set(authorities.map(({ fingerprint }) => fingerprint))
        : configuration.heldByAll;
    for (const known of this.heldSince.keys()) if (!held.has(known)) this.heldSince.delete(known);
    const now = this.options.clock.monotonic();
    for (const fingerprint of held)
      if (!this.heldSince.has(fingerprint)) this.heldSince.set(fingerprint, now);
  }

  private async take(
    step: Step,
    secret: ApiObject,
    read: CertificateSecret,
    bundle: readonly Authority[],
    signal: AbortSignal,
  ): Promise<void> {
    const made = MADE[step.do];
    try {
      const data = await this.dataAfter(step, read, bundle);
      if (signal.aborted) return;
      const oldUntil = 'oldUntil' in step ? step.oldUntil : read.state.oldUntil;
      await this.options.api.request('PUT', this.options.secretPath, {
        body: writeCertificateSecret(secret, data, oldUntil),
      });
      const written = readCertificateSecret({ data: base64(data) });
      const until = step.do === 'addNext' ? written.state.next?.notAfter : written.state.leaf?.notAfter;
      this.options.logger.info(MESSAGES[step.do], {
        ...(until !== undefined && { expires: new Date(until).toISOString() }),
        ...(oldUntil !== undefined && { oldUntil: new Date(oldUntil).toISOString() }),
      });
      for (const what of made) this.options.renewed(what, true);
    } catch (error) {
      const isConflict = error instanceof ApiError && error.status === 409;
      if (!isConflict) for (const what of made) this.options.renewed(what, false);
      throw error;
    }
  }

  private async dataAfter(
    step: Step,
    { data, old }: CertificateSecret,
    bundle: readonly Authority[],
  ): Promise<SecretData> {
    switch (step.do) {
      case 'create': {
        const ca = await this.makeAuthority();
        const kept = withOld(data, [...old, ...authorityOf(data)]);
        return { ...kept, ...named('ca', ca), ...named('tls', await this.makeLeaf(ca)) };
      }
      case 'adopt': {
        const adopted = new Set(step.adopt.map(({ fingerprint }) => fingerprint));
        return withOld(data, [...old, ...bundle.filter(({ fingerprint }) => adopted.has(fingerprint))]);
      }
      case 'addNext':
        return { ...data, ...named('next-ca', await this.makeAuthority()) };
      case 'promoteNext': {
        const { 'next-ca.crt': cert = '', 'next-ca.key': key = '', ...others } = data;
        const leaf = await this.makeLeaf({ cert, key });
        return {
          ...withOld(others, [...old, ...authorityOf(data)]),
          ...named('ca', { cert, key }),
          ...named('tls', leaf),
        };
      }
      case 'issueLeaf': {
        const { 'ca.crt': cert = '', 'ca.key': key = '' } = data;
        return { ...data, ...named('tls', await this.makeLeaf({ cert, key })) };
      }
      case 'dropOld': {
        const kept = new Set(step.keep.map(({ fingerprint }) => fingerprint));
        return withOld(
          data,
          old.filter(({ fingerprint }) => kept.has(fingerprint)),
        );
      }
    }
  }

  private async makeAuthority(): Promise<PemPair> {
    const { CertificateAuthority, backdateMs } = await import('../server/certificateAuthority.js');
    const { caDurationMs, clock } = this.options;
    const now = clock.now();
    const { cert, key } = await CertificateAuthority.create('kube-harden CA', {
      notBefore: new Date(now - backdateMs(caDurationMs)),
      notAfter: new Date(now + caDurationMs),
    });
    return { cert, key };
  }

  private async makeLeaf(pair: PemPair): Promise<PemPair> {
    const { CertificateAuthority, backdateMs } = await import('../server/certificateAuthority.js');
    const { certificateDurationMs, hosts, clock } = this.options;
    const now = clock.now();
    const [ca] = authorityOf({ 'ca.crt': pair.cert });
    if (ca === undefined) throw new Error('the certificate authority cannot be read');
    const authority = await CertificateAuthority.load(pair);
    return authority.issue({
      commonName: 'kube-harden',
      hosts,
      usage: 'server',
      notBefore: new Date(now - backdateMs(certificateDurationMs)),
      notAfter: new Date(leafEnd(ca, now, this.options)),
    });
  }

  /** What is met every few seconds is told once, until it works again. */
  private tell(error: unknown): void {
    // Somebody else wrote first: 409 for an update, 422 for a JSON patch whose test fails, or that is wrong each time.
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 409 || (status === 422 && this.failures < STEPS_AT_ONCE)) return;
    if (this.told.has('failing')) return;
    this.told.add('failing');
    this.options.logger.error(
      'certificates cannot be looked after: what is there stays in use, and it is tried again',
      {
        status,
        reason: error instanceof Error ? error.message : String(error),
      },
    );
  }
}

/** What each step makes, for the metric. */
const MADE: Readonly<Record<Step['do'], readonly ('ca' | 'leaf')[]>> = {
  create: ['ca', 'leaf'],
  adopt: [],
  addNext: ['ca'],
  promoteNext: ['leaf'],
  issueLeaf: ['leaf'],
  dropOld: [],
};

function named(name: 'ca' | 'next-ca' | 'tls', { cert, key }: PemPair): SecretData {
  return { [`${name}.crt`]: cert, [`${name}.key`]: key };
}

/** That of `ca.crt`; none where it cannot be read. */
function authorityOf(data: SecretData): readonly Authority[] {
  return readCertificateSecret({ data: base64({ 'ca.crt': data['ca.crt'] ?? '' }) }).authorities;
}

function withOld(data: SecretData, old: readonly Authority[]): SecretData {
  const { 'old-ca.crt': before, ...others } = data;
  const after = bundlePem(old);
  if (after === before) return data;
  return after === '' ? others : { ...others, 'old-ca.crt': after };
}

function base64(data: SecretData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}
