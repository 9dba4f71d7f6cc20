/** A committed file that is made from others. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly content: () => string | Promise<string>;
}
