import type { ConnectionOptions } from 'node:tls';
import type { KubeHarden } from '../../../e2e/support/kubeHarden.js';
import { RawConnection, eventually } from '../../support/clients.js';
import { rawHead } from './rawRequest.js';

const MIB = 1024 * 1024;
/** What `serve` has for all bodies in flight, and what it takes of one (src/server/admissionListener.ts). */
export const BUDGET = 128 * MIB;
const BODY_MAX = 20 * MIB;

/** Requests whose bodies have come but for their last byte: what has come of them counts as in flight. */
export class HeldBodies {
  private constructor(private readonly connections: readonly RawConnection[]) {}

  /**
   * Resolves once `bytes` of bodies are in flight, for at most 30 s: then they are refused as too slow.
   *
   * @param options of TLS, where the certificate is not one of the tests' own authority
   */
  static async hold(
    replica: KubeHarden,
    bytes: number,
    options: ConnectionOptions = {},
  ): Promise<HeldBodies> {
    const sizes = Array.from({ length: Math.ceil(bytes / (BODY_MAX - 1)) }, (_, index) =>
      Math.min(BODY_MAX - 1, bytes - index * (BODY_MAX - 1)),
    );
    const connections = await Promise.all(
      sizes.map(async (size) => {
        const connection = await RawConnection.open(replica.admissionPort, options);
        connection.write(rawHead(`Content-Length: ${size + 1}`, '/mutate?timeout=30s'));
        await connection.push(Buffer.alloc(size, 0x20));
        return connection;
      }),
    );
    await eventually(async () => (await replica.metric('kube_harden_body_bytes_in_flight')) === bytes);
    return new HeldBodies(connections);
  }

  /** They go away, and give back what they held. */
  release(): void {
    for (const connection of this.connections) connection.destroy();
  }
}
