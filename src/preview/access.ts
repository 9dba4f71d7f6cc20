/** Who calls, as the API server knows them (UserInfo of authentication.k8s.io/v1). */
export interface Caller {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Who may ask the preview. What cannot be found out is refused. */
export interface PreviewAccess {
  /**
   * @param authorizationHeader of the request, as sent
   * @throws ProblemError 401 without a token that is valid, 503 where that cannot be found out
   */
  authenticate(authorizationHeader: string | undefined): Promise<Caller>;
  /**
   * @param namespace that is asked about; {@link ALL_NAMESPACES} for every one
   * @throws ProblemError 403 where the caller lacks the right, which says nothing of policies; 503 where that cannot
   * be found out
   */
  authorize(caller: Caller, namespace: string): Promise<void>;
}

/** In a SubjectAccessReview no namespace means all of them. */
export const ALL_NAMESPACES = '';

/** Whether the caller of one request may ask about a namespace. @throws ProblemError */
export type Authorize = (namespace: string) => Promise<void>;

/** What the listener leaves for the routes in `res.locals`. Without it they fail: nothing is open by omission. */
export interface PreviewLocals {
  readonly authorize: Authorize;
}

/** Standalone there is nobody to ask. */
export const authorizeAll: Authorize = () => Promise.resolve();
