import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseDocument } from 'yaml';
import { findHelm } from './helmBinary.js';
import { findKubectl } from './kubectlBinary.js';

const MANIFESTS = join(import.meta.dirname, '..', '..', '..', 'manifests');
export const CHART = join(MANIFESTS, 'chart');

/** An object as it is rendered: tests ask for what they expect to be there. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export type Objects = ReadonlyMap<string, Rendered>;

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of this run; `remove` it when all is done. */
export class Workspace {
  private readonly folder = mkdtempSync(join(tmpdir(), 'kube-harden-chart-'));
  private readonly helmPath = findHelm();
  private readonly kubectlPath = findKubectl();
  private made = 0;
  /** What Go reads of helm's texts. Most objects are the same in most renders, and the CRD is long. */
  private readonly read = new Map<string, Rendered>();
  private readonly parsed = new Map<string, Rendered>();

  /** Never throws where helm ends with an error. */
  helm(args: readonly string[]): Promise<Result> {
    return run(this.helmPath, args, this.folder);
  }

  /** The objects of `helm template` with these values. */
  async chart(values: object, namespace = 'kube-harden'): Promise<Objects> {
    const file = this.write('values.json', JSON.stringify(values));
    const result = await this.helm(['template', 'kube-harden', CHART, '-n', namespace, '-f', file]);
    return unique(await this.readByGo(textsOf(result, 'helm template')));
  }

  /** The objects of `kubectl kustomize` over folders of manifests/, as a user would write it. */
  async kustomize(overlay: string, components: readonly string[], more: object = {}): Promise<Objects> {
    const folder = this.subfolder();
    // kustomize takes no absolute paths.
    const at = (path: string): string => relative(folder, join(MANIFESTS, path));
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [at(overlay)],
      components: components.map(at),
      ...more,
    };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return unique(await this.kustomized(folder));
  }

  /** A file in a folder of its own: its path. */
  write(name: string, content: string): string {
    const file = join(this.subfolder(), name);
    writeFileSync(file, content);
    return file;
  }

  subfolder(): string {
    const folder = join(this.folder, String(this.made++));
    mkdirSync(folder);
    return folder;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  private async kustomized(folder: string): Promise<Rendered[]> {
    const texts = textsOf(
      await run(this.kubectlPath, ['kustomize', folder], this.folder),
      'kubectl kustomize',
    );
    return texts.map((text) => {
      const object = this.parsed.get(text) ?? parse(text);
      this.parsed.set(text, object);
      return object;
    });
  }

  /**
   * Objects as Go reads them, which is how they come to a cluster: kustomize prints what it has read, helm passes the
   * text on. (Where a folded text has lines that are indented further, Go's reading has an empty line more.)
   */
  private async readByGo(texts: readonly string[]): Promise<Rendered[]> {
    const fresh = texts.filter((text) => !this.read.has(text));
    if (fresh.length > 0) {
      const folder = this.subfolder();
      writeFileSync(join(folder, 'objects.yaml'), fresh.join('---\n'));
      writeFileSync(join(folder, 'kustomization.yaml'), 'resources: [objects.yaml]');
      const read = unique(await this.kustomized(folder));
      for (const text of fresh) {
        const id = idOf(parse(text));
        const object = read.get(id);
        if (object === undefined) throw new Error(`kustomize prints no ${id}`);
        this.read.set(text, object);
      }
    }
    return texts.flatMap((text) => this.read.get(text) ?? []);
  }
}

/** The documents that are not empty. */
function textsOf({ code, stdout, stderr }: Result, what: string): string[] {
  if (code !== 0) throw new Error(`${what}: exit ${String(code)}\n${stderr}`);
  return stdout.split(/^---\n/m).filter((text) => /^[^#\s]/m.test(text));
}

function parse(text: string): Rendered {
  const document = parseDocument(text, { version: '1.1', uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw problem;
  return document.toJS() as Rendered;
}

function unique(objects: readonly Rendered[]): Map<string, Rendered> {
  const byId = new Map(objects.map((object) => [idOf(object), object]));
  if (byId.size < objects.length) throw new Error('an object is there twice');
  return byId;
}

export function idOf({ apiVersion, kind, metadata }: Rendered): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function run(program: string, args: readonly string[], home: string): Promise<Result> {
  return new Promise((resolve) => {
    // HOME and KUBECONFIG: no file of the user who runs the tests.
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: '' };
    execFile(program, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : 128,
        stdout,
        stderr,
      }),
    );
  });
}
