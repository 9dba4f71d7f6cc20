import type { CatalogueEntry } from '../preview/catalogue.js';
import type { Policy } from '../policy/policy.js';
import type { Problem } from '../preview/problem.js';

/** What the choices offer. */
export interface Catalogue {
  readonly rules: readonly CatalogueEntry[];
  readonly policies: readonly Pick<Policy, 'name' | 'rules'>[];
}

/** The listener refused; `status` 0 where it could not be reached. */
export class ListenerError extends Error {
  readonly code = 'Listener';
  constructor(
    readonly status: number,
    readonly title: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ListenerError';
  }
}

/**
 * Rules and policies.
 *
 * @param namespace the right in it is enough; without one it is `default`, as for a preview
 * @throws ListenerError
 */
export async function loadCatalogue(namespace: string, token: string): Promise<Catalogue> {
  const query = new URLSearchParams({ namespace: namespace === '' ? 'default' : namespace }).toString();
  const [{ rules }, { policies }] = await Promise.all([
    get<Pick<Catalogue, 'rules'>>(`/api/rules?${query}`, token),
    get<Pick<Catalogue, 'policies'>>(`/api/policies?${query}`, token),
  ]);
  return { rules, policies };
}

async function get<T>(url: string, token: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
  } catch (error) {
    throw new ListenerError(0, 'The server cannot be reached', 'Is it still running?', { cause: error });
  }
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const { title = `The answer was ${response.status}`, detail = '' } = problem;
  throw new ListenerError(response.status, title, detail);
}
