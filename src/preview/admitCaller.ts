import type { IncomingMessage } from 'node:http';
import type { Authorize, PreviewAccess } from './access.js';
import { ALL_NAMESPACES } from './access.js';
import { DEFAULT_NAMESPACE } from './preview.js';
import { ProblemError } from './problem.js';

/**
 * Judges a request by its headers and address alone, before its body is read: an unauthorized body would cost the
 * process that also answers admission the reading of up to 20 MiB of YAML.
 *
 * A preview needs the right in the namespace that the query names, or in `default`; everything else in that of the
 * query, or in all namespaces. Paths that do not exist make no difference.
 *
 * @returns what to ask for the namespaces that the body names
 * @throws ProblemError
 */
export async function admitCaller(
  access: PreviewAccess,
  { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
): Promise<Authorize> {
  const caller = await access.authenticate(headers.authorization);
  const authorize: Authorize = (namespace) => access.authorize(caller, namespace);
  const [namespace, ...more] = queryOf(url).getAll('namespace');
  if (more.length > 0) throw new ProblemError(400, 'namespace is given more than once');
  const otherwise = url.split('?')[0] === '/preview' ? DEFAULT_NAMESPACE : ALL_NAMESPACES;
  await authorize(namespace ?? otherwise);
  return authorize;
}

/** The query of a request's address, read the same way where it is authorized and where it is obeyed. */
export function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)$/s.exec(url)?.[1] ?? '');
}
