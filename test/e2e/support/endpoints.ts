import type { Forwarder } from './forwarder.js';
import type { KubeHarden } from './kubeHarden.js';

/** A kubelet asks every few seconds; tests are not to wait for that. */
const PROBE_MS = 100;
/** A replica that does not answer its probe for so long is not ready. */
const PROBE_TIMEOUT_MS = 1000;

/** Keeps a forwarder's backends the replicas that are ready, as kubelet and the EndpointSlice controller do. */
export class Endpoints {
  private replicas: readonly KubeHarden[] = [];
  private timer: NodeJS.Timeout | undefined;
  private paused = false;

  constructor(private readonly forwarder: Forwarder) {}

  /** Resolves when the forwarder knows what the replicas are. */
  async follow(replicas: readonly KubeHarden[]): Promise<void> {
    this.replicas = replicas;
    await this.probe();
    if (!this.paused) this.probeOften();
  }

  /** The backends are the caller's until `resume`, and nobody is asked. */
  pause(): void {
    this.paused = true;
    this.close();
  }

  async resume(): Promise<void> {
    this.paused = false;
    await this.probe();
    this.probeOften();
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private probeOften(): void {
    this.timer ??= setInterval(() => void this.probe(), PROBE_MS).unref();
  }

  private async probe(): Promise<void> {
    const probed = this.replicas;
    const began = performance.now();
    const ready = await Promise.all(probed.map(isReady));
    // Answers that came after a change are about the past.
    if (this.paused || probed !== this.replicas) return;
    // What was late is this process, and not a replica: the next probe tells.
    if (performance.now() - began > PROBE_TIMEOUT_MS + PROBE_MS) return;
    this.forwarder.setBackends(
      probed.filter((_, index) => ready[index]).map(({ admissionPort }) => ({ port: admissionPort })),
    );
  }
}

async function isReady(replica: KubeHarden): Promise<boolean> {
  try {
    const response = await fetch(`${replica.opsUrl}/readyz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
