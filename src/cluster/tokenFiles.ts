import type { KubeConfig } from '@kubernetes/client-node';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isRecord } from '../hardening/locate.js';

/** What reads a kubeconfig's text: client-node's own, since that has been loaded then. */
export type LoadYaml = (text: string) => unknown;

/** A token that a file holds is read anew after so long, as client-go does: one that Kubernetes projects changes hourly. */
const KEEP_MS = 60_000;

/**
 * Has users take their token from the file that `tokenFile` names, which wins over `token`. client-node looks for
 * `token-file`, a name that no kubeconfig has, and would send no token.
 *
 * Source: k8s.io/client-go, clientcmd/api/v1 AuthInfo; transport/token_source.go.
 *
 * @param text what `config` has been read from
 * @param folder where relative paths in it start
 */
export function useTokenFiles(config: KubeConfig, text: string, folder: string, loadYaml: LoadYaml): void {
  const named = tokenFilesOf(loadYaml(text));
  for (const user of config.getUsers()) {
    const path = named.get(user.name);
    if (path !== undefined) defineToken(user, resolve(folder, path));
  }
}

/** By the user's name; of several with one name kubectl takes the first. */
function tokenFilesOf(kubeconfig: unknown): ReadonlyMap<string, string> {
  const users = isRecord(kubeconfig) && Array.isArray(kubeconfig['users']) ? kubeconfig['users'] : [];
  const found = new Map<string, string>();
  for (const each of users as readonly unknown[]) {
    if (!isRecord(each) || typeof each['name'] !== 'string' || !isRecord(each['user'])) continue;
    const { tokenFile } = each['user'];
    if (typeof tokenFile === 'string' && tokenFile !== '' && !found.has(each['name']))
      found.set(each['name'], tokenFile);
  }
  return found;
}

function defineToken(user: object, path: string): void {
  let read: { readonly token: string; readonly at: number } | undefined;
  Object.defineProperty(user, 'token', {
    enumerable: true,
    get: () => {
      const now = performance.now();
      // Its last line ends as lines do, and no header may hold that.
      if (read === undefined || now - read.at > KEEP_MS)
        read = { token: readFileSync(path, 'utf8').trim(), at: now };
      return read.token;
    },
  });
}
