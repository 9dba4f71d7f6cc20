import type { FileCapability } from './fileCapability.js';
import { ImageError } from './imageError.js';
import { MAX_FILES } from './imageLimits.js';
import type { FileChange } from './layerFiles.js';

/** A file of an image, as a container would find it. */
export interface ImageFile {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: string | undefined;
  readonly capability?: FileCapability | undefined;
  readonly text?: string | undefined;
}

export interface FoundFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly file: ImageFile;
}

/** A file in the tree; a directory of an implied parent is root's, as container runtimes make it. */
interface Node extends ImageFile {
  /** The number of the layer that has it. */
  readonly layer: number;
  readonly children?: Map<string, Node>;
}

/** Linux follows as many (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** Parts of link targets that are walked for one image: links to links, each of 4096 bytes, could keep us for hours. */
const MAX_LINK_STEPS = 10_000_000;

/**
 * The files of an image, its layers laid over each other. Nothing is written anywhere.
 * Source: image-spec v1.1, layer.md; containerd pkg/archive (parents are resolved through symbolic links).
 */
export class ImageFiles {
  private root: Node = directory(0);
  private layers = 0;
  private nodes = 0;
  private linkSteps = 0;

  /** @param layers from the lowest to the topmost */
  static of(layers: readonly (readonly FileChange[])[]): ImageFiles {
    const files = new ImageFiles();
    for (const changes of layers) files.add(changes);
    return files;
  }

  private add(changes: readonly FileChange[]): void {
    this.layers += 1;
    for (const change of changes) this.apply(change);
  }

  /** What a path leads to, symbolic links followed. */
  find(path: string): FoundFile | undefined {
    const found = this.walkTo(path.split('/'));
    return found && { path: `/${found.names.join('/')}`, file: found.node };
  }

  /** All files with their paths, a directory before what is in it. */
  *all(): Generator<FoundFile> {
    const open: [string, Node][] = [['', this.root]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [path, node] = next;
      yield { path: path || '/', file: node };
      const below = [...(node.children ?? [])].map(([name, child]): [string, Node] => [
        `${path}/${name}`,
        child,
      ]);
      // One by one: arguments of a call have to fit on the stack.
      for (const each of below.sort(([a], [b]) => (a < b ? 1 : -1))) open.push(each);
    }
  }

  private apply(change: FileChange): void {
    const names = change.path === '' ? [] : change.path.split('/');
    if (change.kind === 'removed' || change.kind === 'emptied') {
      this.remove(names, change.kind === 'emptied');
      return;
    }
    const name = names.pop();
    if (name === undefined) {
      if (change.kind === 'directory')
        this.root = { ...this.root, ...attributes(change), layer: this.layers };
      return;
    }
    const parent = this.parent(names);
    const before = parent.get(name);
    const node = this.nodeOf(change, before);
    if (!node) return;
    if (!before) this.count();
    parent.set(name, node);
  }

  private nodeOf(change: FileChange, before: Node | undefined): Node | undefined {
    if (change.kind === 'directory') {
      const children = before?.children ?? new Map<string, Node>();
      return { kind: 'directory', ...attributes(change), layer: this.layers, children };
    }
    if (change.kind === 'hardlink') {
      const linked = this.walkTo((change.target ?? '').split('/'))?.node;
      return linked && linked.kind !== 'directory' ? { ...linked, layer: this.layers } : undefined;
    }
    if (change.kind === 'removed' || change.kind === 'emptied') return undefined;
    const { kind, target, capability, text } = change;
    return { kind, ...attributes(change), layer: this.layers, target, capability, text };
  }

  /** The children of a directory, which is made where it is missing. */
  private parent(names: readonly string[]): Map<string, Node> {
    let children = childrenOf(this.root);
    const at: string[] = [];
    for (const name of names) {
      const child = children.get(name);
      if (child?.kind === 'symlink') {
        const found = this.walkTo([...at, name]);
        if (found?.node.children) {
          at.splice(0, at.length, ...found.names);
          children = found.node.children;
          continue;
        }
      }
      at.push(name);
      if (child?.children) {
        children = child.children;
        continue;
      }
      const made = directory(this.layers);
      if (!child) this.count();
      children.set(name, made);
      children = childrenOf(made);
    }
    return children;
  }

  private remove(names: readonly string[], onlyContent: boolean): void {
    const name = names.at(-1);
    if (name === undefined) {
      if (onlyContent) prune(this.root, this.layers);
      return;
    }
    const parent = this.walkTo(names.slice(0, -1))?.node.children;
    const node = parent?.get(name);
    if (!parent || !node) return;
    const isEmpty = prune(node, this.layers);
    if (!onlyContent && isEmpty && node.layer < this.layers) parent.delete(name);
  }

  private walkTo(parts: readonly string[]): { names: string[]; node: Node } | undefined {
    const trail: { name: string; node: Node }[] = [];
    const here = (): Node => trail.at(-1)?.node ?? this.root;
    const todo = parts.filter((part) => part !== '' && part !== '.').reverse();
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === '..') {
        trail.pop();
        continue;
      }
      const child = here().children?.get(part);
      if (!child) return undefined;
      if (child.kind !== 'symlink') {
        trail.push({ name: part, node: child });
        continue;
      }
      links += 1;
      const target = child.target ?? '';
      if (links > MAX_LINKS) return undefined;
      if (target.startsWith('/')) trail.length = 0;
      const steps = target.split('/').filter((step) => step !== '' && step !== '.');
      this.linkSteps += steps.length;
      if (this.linkSteps > MAX_LINK_STEPS) throw new ImageError('the image has symbolic links without end');
      todo.push(...steps.reverse());
    }
    return { names: trail.map(({ name }) => name), node: here() };
  }

  private count(): void {
    this.nodes += 1;
    if (this.nodes > MAX_FILES) throw new ImageError(`the image has more than ${MAX_FILES} files`);
  }
}

function directory(layer: number): Node {
  return { kind: 'directory', mode: 0o755, uid: 0, gid: 0, layer, children: new Map() };
}

function childrenOf({ children }: Node): Map<string, Node> {
  return children ?? new Map<string, Node>();
}

function attributes({ mode, uid, gid }: FileChange): Pick<Node, 'mode' | 'uid' | 'gid'> {
  return { mode, uid, gid };
}

/**
 * Takes out what lower layers have below a directory. A layer's own files stay, wherever in it the whiteout stands.
 * @returns whether nothing is left there
 */
function prune(node: Node, layer: number): boolean {
  for (const [name, child] of node.children ?? []) {
    if (prune(child, layer) && child.layer < layer) node.children?.delete(name);
  }
  return (node.children?.size ?? 0) === 0;
}
