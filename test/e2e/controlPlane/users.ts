import type { PemPair } from '../../../src/server/certificateAuthority.js';
import type { RunFolder } from '../support/runFolder.js';
import { ApiClient } from './apiClient.js';
import type { Credentials } from './credentials.js';
import { kubeconfig } from './kubeconfig.js';

/** Who calls: a certificate of that name and those groups, a bearer token, or nobody. */
export type User =
  { readonly name: string; readonly groups?: readonly string[] } | { readonly token: string } | 'anonymous';

const ADMIN = { name: 'e2e-admin', groups: ['system:masters'] } as const;
/** Longer than any run. */
const TOKEN_SECONDS = 7200;

/** Makes users as tests name them, each once: their certificates, kubeconfigs and clients. */
export class UserDirectory {
  private readonly pairs = new Map<string, Promise<PemPair>>();
  private readonly clients = new Map<string, Promise<ApiClient>>();
  private count = 0;

  constructor(
    private readonly folder: RunFolder,
    private readonly port: number,
    private readonly credentials: Credentials,
  ) {}

  adminKubeconfig(): Promise<string> {
    return this.kubeconfigFor(ADMIN.name, ADMIN.groups);
  }

  async kubeconfigFor(user: string, groups: readonly string[], server?: string): Promise<string> {
    return this.writeKubeconfig(user, await this.pair(user, groups), 'default', server);
  }

  tokenKubeconfig(name: string, token: string, namespace: string, server?: string): string {
    return this.writeKubeconfig(name, { token }, namespace, server);
  }

  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: TOKEN_SECONDS },
    };
    const client = await this.client();
    const { status, body } = await client.api<{ status: { token: string } }>('POST', path, request);
    if (status !== 201) throw new Error(`no token for ${namespace}/${name}: ${JSON.stringify(body)}`);
    return body.status.token;
  }

  /** The shared client of a user. */
  client(user: User = ADMIN): Promise<ApiClient> {
    const key = JSON.stringify(user);
    const known = this.clients.get(key);
    if (known !== undefined) return known;
    const made = this.makeClient(user);
    this.clients.set(key, made);
    return made;
  }

  async makeClient(user: User = ADMIN, maxSockets?: number): Promise<ApiClient> {
    const credentials = await this.credentialsOf(user);
    const { port } = this;
    const ca = this.credentials.serverCa;
    return new ApiClient({ port, ca, credentials, ...(maxSockets === undefined ? {} : { maxSockets }) });
  }

  close(): void {
    for (const client of this.clients.values()) void client.then((made) => made.close());
    this.clients.clear();
  }

  private async credentialsOf(user: User): Promise<PemPair | { readonly token: string } | undefined> {
    if (user === 'anonymous') return undefined;
    return 'token' in user ? user : this.pair(user.name, user.groups ?? []);
  }

  private pair(user: string, groups: readonly string[]): Promise<PemPair> {
    const key = JSON.stringify([user, groups]);
    const known = this.pairs.get(key);
    if (known !== undefined) return known;
    const made = this.credentials.clients.issue(user, groups);
    this.pairs.set(key, made);
    return made;
  }

  private writeKubeconfig(
    name: string,
    credentials: PemPair | { readonly token: string },
    namespace: string,
    server = `https://127.0.0.1:${this.port}`,
  ): string {
    // Numbered: names may hold what a file's name may not, and one user may have several.
    const file = `${name.replaceAll(/[^\w.-]/g, '-')}-${(this.count += 1)}.kubeconfig`;
    const ca = this.credentials.serverCa;
    return this.folder.write(file, kubeconfig({ server, ca, credentials, namespace }));
  }
}
