import * as nodeModule from 'node:module';

/** Keeps compiled code between runs where Node.js can (from 22.1 on): the package supports 20 too. */
export function enableCompileCache(): void {
  if ('enableCompileCache' in nodeModule && typeof nodeModule.enableCompileCache === 'function') {
    nodeModule.enableCompileCache();
  }
}
