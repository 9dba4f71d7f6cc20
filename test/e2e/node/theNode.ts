import type { Node } from './node.js';

let current: Node | undefined;

/** @throws Error outside a run of test/e2e/node */
export function theNode(): Node {
  if (current === undefined) throw new Error('no node runs: these tests need make e2e-node');
  return current;
}

/** For the global fixture. */
export function setNode(started: Node): void {
  current = started;
}
