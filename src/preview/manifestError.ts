/** One thing that is wrong with what was given. */
export interface ManifestIssue {
  /** The file and document: `web.yaml#0`, `document 0`. */
  readonly source: string;
  /** The document in the stream, from 0, empty ones not counted. */
  readonly document?: number | undefined;
  /** From 1, of the field or of the deepest part of it that is there. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** In Kubernetes' field notation, from the document: `spec.containers[0].resources.limits.memory`. */
  readonly field?: string | undefined;
  readonly message: string;
}

export interface ManifestErrorOptions extends ErrorOptions {
  /** Nothing is wrong with the objects but that they name namespaces which do not exist. */
  readonly namespaceNotFound?: boolean;
  /** It is no YAML because it is a Helm template. */
  readonly helmTemplate?: boolean;
}

/** Thrown for input that cannot be previewed: everything that is wrong with it, so that one pass mends it. */
export class ManifestError extends Error {
  readonly code: 'ManifestInvalid' | 'NamespaceNotFound';
  readonly helmTemplate: boolean;
  constructor(
    readonly issues: readonly ManifestIssue[],
    options: ManifestErrorOptions = {},
  ) {
    super(issues.map(manifestIssueText).join('\n'), options);
    this.name = 'ManifestError';
    this.code = options.namespaceNotFound === true ? 'NamespaceNotFound' : 'ManifestInvalid';
    this.helmTemplate = options.helmTemplate === true;
  }
}

/** `field: message`, or the message alone. */
export function manifestIssueText({ field, message }: ManifestIssue): string {
  return field === undefined || field === '' ? message : `${field}: ${message}`;
}
