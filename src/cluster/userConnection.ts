import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { accessSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { KubeApiClient } from './apiClient.js';
import { KubeconfigError, loadKubeconfig, selectServer } from './connection.js';
import type { ExecConnection } from './execInPod.js';
import type { LoadYaml } from './tokenFiles.js';

/** What kubectl's own flags of the same names say; each wins over the kubeconfig. */
export interface UserConnectionOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly tlsServerName?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly as?: string | undefined;
  readonly asGroup?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  /** Of one request; the client's own (10 s) unless given. */
  readonly timeoutMs?: number | undefined;
}

/** A cluster as a user at a terminal reaches it. */
export interface UserConnection {
  readonly api: KubeApiClient;
  /** For what is no request and answer: a program that is run in a container. */
  readonly exec: ExecConnection;
  /** The API server's URL. */
  readonly server: string;
  /** The name of the kubeconfig's context; undefined where there is none (`--server` alone). */
  readonly context: string | undefined;
  /** The context's, or `default`. */
  readonly namespace: string;
}

const OWN_CONTEXT = 'kube-harden';

/**
 * Reads the kubeconfig that kubectl would read: the one given, else the files of $KUBECONFIG merged (the first that says
 * something wins, files that are not there are passed over), else ~/.kube/config, else the service account of the pod
 * that this process runs in. Nothing is sent yet.
 *
 * Source: k8s.io/client-go/tools/clientcmd, ClientConfigLoadingRules.
 *
 * @throws KubeconfigError
 */
export async function connectAsUser(options: UserConnectionOptions): Promise<UserConnection> {
  const { KubeConfig: Config, loadYaml } = await import('@kubernetes/client-node');
  const make = (): KubeConfig => new Config();
  const { config, from } = load(make, loadYaml, options);
  const chosen = options.context ?? config.getCurrentContext();
  const known = config.getContexts().find(({ name }) => name === chosen);
  const overridden = isOverridden(options) && (known !== undefined || options.server !== undefined);
  // An unknown --context is an error also where everything else is given.
  if (overridden && (known !== undefined || options.context === undefined)) override(config, known, options);
  const server = selectServer(config, overridden ? undefined : options.context, from);
  // client-node refuses plain HTTP (kubectl proxy's, say) unless nothing is verified, and there is nothing to verify.
  const cluster = config.getCurrentCluster();
  if (cluster !== null && new URL(server).protocol === 'http:')
    Object.assign(cluster, { skipTLSVerify: true });
  const headers = {
    ...(options.as !== undefined && { 'Impersonate-User': headerText(options.as) }),
    ...(options.asUid !== undefined && { 'Impersonate-Uid': headerText(options.asUid) }),
    ...(options.asGroup !== undefined && { 'Impersonate-Group': options.asGroup.map(headerText) }),
  };
  if (options.as === undefined && Object.keys(headers).length > 0)
    throw new KubeconfigError('--as-group and --as-uid need --as: a user to impersonate');
  return {
    api: new KubeApiClient(config, { headers, timeoutMs: options.timeoutMs }),
    exec: { config, headers },
    server,
    context: known?.name,
    namespace: known?.namespace ?? 'default',
  };
}

/** Node.js writes a byte for each character of a header; kubectl, and so the API server, have names in UTF-8. */
function headerText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

interface Loaded {
  readonly config: KubeConfig;
  /** What it is called in errors. */
  readonly from: string;
}

function load(
  make: () => KubeConfig,
  loadYaml: LoadYaml,
  { kubeconfig, server }: UserConnectionOptions,
): Loaded {
  const one = (file: string): Loaded => {
    const config = make();
    loadKubeconfig(config, file, loadYaml);
    return { config, from: file };
  };
  if (kubeconfig !== undefined) return one(kubeconfig);
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) {
    const files = named.filter(isThere);
    if (files.length === 0 && server !== undefined) return { config: make(), from: '--server' };
    const [first, ...rest] = files.length > 0 ? files.map(one) : named.slice(0, 1).map(one);
    if (first === undefined) return { config: make(), from: 'KUBECONFIG' };
    for (const { config } of rest) merge(first.config, config);
    return { config: first.config, from: files.join(', ') };
  }
  const own = join(process.env['HOME'] ?? homedir(), '.kube', 'config');
  if (isThere(own)) return one(own);
  const config = make();
  if (server !== undefined) return { config, from: '--server' };
  if (process.env['KUBERNETES_SERVICE_HOST'] !== undefined) {
    config.loadFromCluster();
    return { config, from: 'in-cluster' };
  }
  throw new KubeconfigError(`there is none: give --kubeconfig FILE, set KUBECONFIG, or make ${own}`);
}

function isThere(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

/** What is there already stays: client-node's own merging refuses a name that two files have. */
function merge(config: KubeConfig, other: KubeConfig): void {
  const add = <T extends { readonly name: string }>(
    have: readonly T[],
    more: readonly T[],
    put: (item: T) => void,
  ): void => {
    const names = new Set(have.map(({ name }) => name));
    for (const item of more) if (!names.has(item.name)) put(item);
  };
  add(config.getClusters(), other.getClusters(), (cluster) => config.addCluster(cluster));
  add(config.getUsers(), other.getUsers(), (user) => config.addUser(user));
  add(config.getContexts(), other.getContexts(), (context) => config.addContext(context));
  // Its type promises a text; a file may name none.
  const current = config.getCurrentContext() as string | undefined;
  if (!current) config.setCurrentContext(other.getCurrentContext());
}

/** Flags that change what a context says. */
function isOverridden(options: UserConnectionOptions): boolean {
  const { cluster, user, server, token, certificateAuthority, clientCertificate, clientKey } = options;
  const texts = [cluster, user, server, token, certificateAuthority, clientCertificate, clientKey];
  return (
    [...texts, options.tlsServerName].some((text) => text !== undefined) ||
    options.insecureSkipTlsVerify === true
  );
}

/** Puts a context of our own in place, which is the chosen one with the flags over it. @throws KubeconfigError */
function override(
  config: KubeConfig,
  context: { readonly cluster: string; readonly user: string; readonly namespace?: string } | undefined,
  options: UserConnectionOptions,
): void {
  const cluster = found('--cluster', options.cluster, config.getClusters(), context?.cluster);
  const user = found('--user', options.user, config.getUsers(), context?.user);
  const { certificateAuthority, clientCertificate, clientKey, token } = options;
  const isInsecure = options.insecureSkipTlsVerify === true;
  const ownCluster: Cluster = {
    ...cluster,
    name: OWN_CONTEXT,
    server: (options.server ?? cluster?.server ?? '').replace(/\/$/, ''),
    skipTLSVerify: isInsecure || (cluster?.skipTLSVerify ?? false),
    ...(certificateAuthority !== undefined && { caFile: resolve(certificateAuthority), caData: '' }),
    ...(options.tlsServerName !== undefined && { tlsServerName: options.tlsServerName }),
  };
  // A token that is given takes the place of every other way to log in.
  const login = token === undefined ? user : undefined;
  const ownUser: User = {
    ...login,
    name: OWN_CONTEXT,
    ...(token !== undefined && { token }),
    ...(clientCertificate !== undefined && { certFile: resolve(clientCertificate), certData: '' }),
    ...(clientKey !== undefined && { keyFile: resolve(clientKey), keyData: '' }),
  };
  config.loadFromOptions({
    clusters: [ownCluster],
    users: [ownUser],
    contexts: [{ name: OWN_CONTEXT, cluster: OWN_CONTEXT, user: OWN_CONTEXT }],
    currentContext: OWN_CONTEXT,
  });
}

function found<T extends { readonly name: string }>(
  flag: string,
  given: string | undefined,
  known: readonly T[],
  otherwise: string | undefined,
): T | undefined {
  const item = known.find(({ name }) => name === (given ?? otherwise));
  if (item !== undefined || given === undefined) return item;
  const names = known.length === 0 ? 'it has none' : `it has ${known.map(({ name }) => name).join(', ')}`;
  throw new KubeconfigError(`there is no ${flag.slice(2)} "${given}"; ${names}`);
}
