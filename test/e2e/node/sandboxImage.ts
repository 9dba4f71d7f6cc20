import type { ImageRecipe } from './images/recipe.js';

/** The image of every pod's sandbox, whose one process only has to be there: it holds the pod's namespaces. */
export const SANDBOX: ImageRecipe = {
  name: 'registry.example/kube-harden/sandbox:12',
  versionOf: 'base-files',
  cites: [],
  packages: [],
  config: { Entrypoint: ['sleep', 'infinity'] },
};
