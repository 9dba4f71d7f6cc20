/** Kubernetes' own words for what went wrong (metav1.StatusReason); the HTTP code follows from it. */
const CODES = {
  BadRequest: 400,
  NotFound: 404,
  MethodNotAllowed: 405,
  RequestTimeout: 408,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  ExpectationFailed: 417,
  RequestHeaderFieldsTooLarge: 431,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;
export type StatusReason = keyof typeof CODES;

/** An error as an API server reads it from a webhook: its message reaches whoever ran kubectl. */
export interface KubernetesStatus {
  readonly apiVersion: 'v1';
  readonly kind: 'Status';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: StatusReason;
  readonly code: number;
}

/** The one place where the admission listener's errors are made. */
export function kubernetesStatus(reason: StatusReason, message: string): KubernetesStatus {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code: CODES[reason],
  };
}
