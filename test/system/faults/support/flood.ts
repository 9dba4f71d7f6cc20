import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { KubeHarden } from '../../../e2e/support/kubeHarden.js';
import { authority } from '../../support/certificates.js';
import { onCores, type Cores } from './cores.js';
import { runFolder } from './serveProcess.js';

export interface FloodPlan {
  readonly port: number;
  readonly caFile: string;
  readonly bodyFile: string;
  /** So many ask at a time. */
  readonly flooders: number;
}

/** Asks for large previews over and over, from a process of its own. */
export class Flood {
  readonly #answers: Promise<string>;

  private constructor(private readonly child: ChildProcess & { readonly stdout: NodeJS.ReadableStream }) {
    this.#answers = text(child.stdout);
  }

  static start({ previewPort = 0 }: KubeHarden, body: string, flooders: number, cores?: Cores): Flood {
    const plan: FloodPlan = {
      port: previewPort,
      caFile: runFolder.write('flood-ca.crt', authority.cert),
      bodyFile: runFolder.write('flood-body.yaml', body),
      flooders,
    };
    const script = new URL('floodPreview.ts', import.meta.url).pathname;
    const [command, args] = onCores(cores, [
      process.execPath,
      '--import',
      'tsx/esm',
      script,
      JSON.stringify(plan),
    ]);
    return new Flood(spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** By status, how many answers there were. */
  async end(): Promise<Readonly<Record<string, number>>> {
    this.child.stdin?.end();
    return JSON.parse(await this.#answers) as Record<string, number>;
  }
}
