import { theNode } from '../theNode.js';
import { applyBroken, fails } from './brokenPod.js';
import type { Combination } from './combination.js';
import { shell } from './ruleCombinations.js';

/** Reads so much that it is the first that the kubelet evicts: more than its request, and more than any other. */
const HUNGRY = 'value=$(head -c 150000000 /dev/zero | tr "\\0" x); exec sleep infinity';

/** To run by itself, at the end: the kubelet would evict what else there is. */
export const nodePressure: Combination = {
  id: 'other-node-pressure',
  group: 'other',
  title: 'a node that is short of memory',
  program: 'client',
  expected: [],
  make: async (namespace) => {
    await theNode().restartKubelet({ 'memory.available': '99%' });
    try {
      return await applyBroken(namespace, 'web', shell(HUNGRY), fails);
    } finally {
      await theNode().restartKubelet();
    }
  },
};
