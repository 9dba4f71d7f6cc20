/*
 * What an image profile can hold. The settings' schema asserts it (settingsFields.ts); `profile` and `learn`, which write
 * profiles and do not load the schema, keep to it.
 */

/** `writablePaths`. */
export const MAX_WRITABLE_PATHS = 64;
/** Every other list of paths: `dataPaths`, `startsAsRoot.volumes`. */
export const MAX_PATHS = 16;
/** Characters of a path. */
export const MAX_PATH = 512;

/** Whether a profile can name a clean absolute path: the API takes no `:` in a mountPath. */
export function isNameable(path: string): boolean {
  return path !== '/' && !path.includes(':') && path.length <= MAX_PATH;
}
