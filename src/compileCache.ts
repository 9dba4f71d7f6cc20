import * as nodeModule from 'node:module';

/** What Node.js has from 22.1 on, and its types for 20 do not name. */
interface CompileCaching {
  enableCompileCache?: () => unknown;
}

/** Keeps compiled code between runs where Node.js can: the package supports 20 too. */
export function enableCompileCache(): void {
  (nodeModule as CompileCaching).enableCompileCache?.();
}
