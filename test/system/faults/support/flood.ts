import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
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
  /** From when on every other process goes first. */
  readonly behind: 'at once' | 'once refused';
}

/** Asks for large previews over and over, from a process of its own. */
export class Flood {
  readonly #lines: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcess & { readonly stdout: NodeJS.ReadableStream }) {
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  static start(
    { previewPort = 0 }: KubeHarden,
    body: string,
    { flooders, behind }: Pick<FloodPlan, 'flooders' | 'behind'>,
    cores?: Cores,
  ): Flood {
    const plan: FloodPlan = {
      port: previewPort,
      caFile: runFolder.write('flood-ca.crt', authority.cert),
      bodyFile: runFolder.write('flood-body.yaml', body),
      flooders,
      behind,
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

  /** Once it is refused: it has started its process by then, and more of it has come than there is room for. */
  async refused(): Promise<void> {
    while ((await this.#line()) !== '503');
  }

  /** By status, how many answers there were. */
  async end(): Promise<Readonly<Record<string, number>>> {
    this.child.stdin?.end();
    let last = await this.#line();
    while (!last.startsWith('{')) last = await this.#line();
    return JSON.parse(last) as Record<string, number>;
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the flood ended before it said how often it was answered');
    return next.value;
  }
}
