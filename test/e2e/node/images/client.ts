import type { ImageRecipe } from './recipe.js';

/** The image of the pod from which the programs are spoken to: one client for each protocol. */
export const CLIENT: ImageRecipe = {
  name: 'registry.example/kube-harden/client:12',
  versionOf: 'base-files',
  cites: [],
  packages: [
    'amqp-tools',
    'curl',
    'mariadb-client',
    'mosquitto-clients',
    'netcat-openbsd',
    'postgresql-client',
    'redis-tools',
  ],
  config: { Cmd: ['sleep', 'infinity'] },
};
