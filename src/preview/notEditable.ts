/** Thrown for a document whose text cannot be changed in place; the document is then written anew. */
export class NotEditable extends Error {
  readonly code = 'NotEditable';
  constructor(message: string) {
    super(message);
    this.name = 'NotEditable';
  }
}
