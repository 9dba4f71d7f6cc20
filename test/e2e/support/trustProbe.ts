import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { readBundle } from '../../../src/cluster/certificateSecret.js';
import type { ControlPlane } from '../controlPlane/controlPlane.js';
import type { KubeHarden } from './kubeHarden.js';
import { pause } from './wait.js';

/** Often enough to see every certificate that lives for seconds. */
const PROBE_MS = 200;
/** On loopback a handshake takes milliseconds; one that hangs is a refusal too. */
const HANDSHAKE_MS = 3000;

const CONFIGURATION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/kube-harden';

/**
 * Connects to every replica again and again, trusting exactly what the webhook configuration says at that moment: what
 * an API server would do that had no connection yet.
 */
export class TrustProbe {
  /** Leaves seen on the wire, in the order of their first appearance: when each expires, by its serial number. */
  readonly leaves = new Map<string, number>();
  /** By replica: the serial number that it served last. */
  readonly serving = new Map<string, string>();
  /** Fingerprints of the authorities seen in any caBundle, in the order of their first appearance. */
  readonly authorities = new Set<string>();
  /** Those of the caBundles now, for each entry. */
  bundles: readonly (readonly string[])[] = [];
  readonly refused: string[] = [];
  handshakes = 0;
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(
    private readonly controlPlane: ControlPlane,
    private readonly replicas: () => readonly KubeHarden[],
  ) {}

  start(): this {
    this.running = this.run();
    return this;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.look();
      await pause(PROBE_MS);
    }
  }

  private async look(): Promise<void> {
    const bundles = await this.trusted();
    this.bundles = bundles.map((pem) => readBundle(pem).map(({ fingerprint }) => fingerprint));
    for (const fingerprint of this.bundles.flat()) this.authorities.add(fingerprint);
    for (const pem of new Set(bundles))
      await Promise.all(this.replicas().map((replica) => this.handshake(replica, pem)));
  }

  /** The caBundle of each entry. */
  private async trusted(): Promise<string[]> {
    const { body } = await this.controlPlane.api<{
      webhooks: { clientConfig: { caBundle?: string } }[];
    }>('GET', CONFIGURATION);
    return body.webhooks.map(({ clientConfig: { caBundle = '' } }) =>
      Buffer.from(caBundle, 'base64').toString(),
    );
  }

  private async handshake(replica: KubeHarden, ca: string): Promise<void> {
    const { name, admissionPort } = replica;
    try {
      const leaf = await servedLeaf(admissionPort, ca);
      this.leaves.set(leaf.serialNumber, Date.parse(leaf.validTo));
      this.serving.set(name, leaf.serialNumber);
    } catch (error) {
      const now = await this.trusted();
      // Where it was slow, the configuration has said something else since: that is what has to be trusted.
      if (!now.includes(ca)) {
        for (const pem of new Set(now)) await this.handshake(replica, pem);
        return;
      }
      this.refused.push(`${name}: ${String(error)}`);
    }
    this.handshakes += 1;
  }
}

/** @throws Error where the certificate is not trusted, or the handshake fails */
export function servedLeaf(port: number, ca: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, timeout: HANDSHAKE_MS }, () => {
      const raw = socket.getPeerX509Certificate();
      socket.destroy();
      if (raw === undefined) reject(new Error('no certificate came'));
      else resolve(new X509Certificate(raw.raw));
    });
    socket.on('timeout', () => socket.destroy(new Error('the handshake hangs')));
    socket.on('error', reject);
  });
}
