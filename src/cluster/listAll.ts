import { isRecord } from '../hardening/locate.js';
import type { ApiClient, ApiObject } from './apiClient.js';
import { ApiError } from './apiError.js';
import { listItems } from './listItems.js';

/** As many objects as kubectl asks for at once. */
const PAGE = 500;

const EXPIRED = 410;

/** One page of a list. */
export interface ListPage {
  readonly items: readonly ApiObject[];
  /** How many come after this page, where the API server says; an estimate. */
  readonly remaining: number | undefined;
}

/**
 * The objects of a list page by page, so that a large cluster's are never in memory together. The API server forgets a
 * list after some minutes: then it goes on from where it was, as the server's own continue token says it may, with what
 * the cluster has become since.
 *
 * @param path of the list, as `/api/v1/pods`
 * @throws ApiError, UnreachableError or the system's error
 */
export async function* listPages(
  api: ApiClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
): AsyncGenerator<ListPage> {
  let next: string | undefined;
  do {
    let list: ApiObject;
    try {
      list = await api.request('GET', path, {
        query: { ...query, limit: PAGE, ...(next !== undefined && { continue: next }) },
      });
    } catch (error) {
      const again = continueOf(error);
      // The same token again would bring the same answer for ever.
      if (again === undefined || again === next) throw error;
      next = again;
      continue;
    }
    const { metadata } = list;
    const remaining = metadata?.['remainingItemCount'];
    yield {
      items: listItems(list).filter(isRecord),
      remaining: typeof remaining === 'number' ? remaining : undefined,
    };
    const token = metadata?.['continue'];
    next = typeof token === 'string' && token !== '' ? token : undefined;
  } while (next !== undefined);
}

/** All of a list. @param seen told after each page how many there are so far, and how many are to come */
export async function listAll(
  api: ApiClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
  seen: (soFar: number, remaining: number | undefined) => void = () => undefined,
): Promise<ApiObject[]> {
  const all: ApiObject[] = [];
  for await (const { items, remaining } of listPages(api, path, query)) {
    for (const item of items) all.push(item);
    seen(all.length, remaining);
  }
  return all;
}

/** A Status of code 410 carries a token by which the rest can be listed as it is now. */
function continueOf(error: unknown): string | undefined {
  return error instanceof ApiError && error.status === EXPIRED ? error.continueToken : undefined;
}
