// The thread from its TypeScript: on Node.js 20 a thread does not take over the loader of the one that starts it.
import { register } from 'tsx/esm/api';

register();
await import('../../../src/preview/previewThread.ts');
