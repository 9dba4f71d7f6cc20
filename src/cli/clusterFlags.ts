import type { Command } from 'commander';
import { parseGoDuration } from '../server/goDuration.js';
import { CommandError } from './commandError.js';
import type { UserConnection, UserConnectionOptions } from '../cluster/userConnection.js';

/** The flags by which kubectl finds a cluster and logs in to it, under kubectl's own names; `-n` is each command's own. */
export interface ClusterFlags extends Omit<UserConnectionOptions, 'timeoutMs'> {
  /** As Go writes a duration; `0` is no limit. */
  readonly requestTimeout?: string | undefined;
}

/** A cluster that a command talks to. */
export type CommandCluster = UserConnection;

/** A timer of Node.js goes no further: 24 days, which is no limit to anybody who waits. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/** Gives a command these flags. */
export function addClusterFlags(command: Command): Command {
  const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return command
    .option('--kubeconfig <file>', 'the cluster to read (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('--cluster <name>', 'the cluster of the kubeconfig to use')
    .option('--user <name>', 'the user of the kubeconfig to use')
    .option('-s, --server <url>', "the API server's address")
    .option('--token <token>', 'a bearer token to log in with')
    .option('--certificate-authority <file>', "the CA of the API server's certificate")
    .option('--client-certificate <file>', 'a certificate to log in with')
    .option('--client-key <file>', 'the key of --client-certificate')
    .option('--tls-server-name <name>', "the name that the API server's certificate shall have")
    .option('--insecure-skip-tls-verify', "do not check the API server's certificate")
    .option('--as <user>', 'the user to impersonate')
    .option('--as-group <group>', 'a group to impersonate; may be repeated', repeat)
    .option('--as-uid <uid>', 'the UID to impersonate')
    .option('--request-timeout <duration>', 'of one request, as 30s; 0 for none (default: 10s)');
}

/** @throws CommandError where a flag or the kubeconfig is wrong; nothing is sent yet */
export async function openCluster({ requestTimeout, ...flags }: ClusterFlags): Promise<CommandCluster> {
  const timeoutMs = requestTimeout === undefined ? undefined : timeoutOf(requestTimeout);
  const [{ connectAsUser }, { KubeconfigError }] = await Promise.all([
    import('../cluster/userConnection.js'),
    import('../cluster/connection.js'),
  ]);
  try {
    return await connectAsUser({ ...flags, timeoutMs });
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new CommandError(`kubeconfig: ${error.message}`, 2, { cause: error });
  }
}

/** @throws CommandError */
function timeoutOf(text: string): number {
  const milliseconds = parseGoDuration(text);
  if (milliseconds === undefined)
    throw new CommandError(`--request-timeout: "${text}" is no duration; write 30s or 1m`);
  return milliseconds === 0 ? NO_LIMIT_MS : Math.min(milliseconds, NO_LIMIT_MS);
}

const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the cluster up, and is it the right context?',
  ENOTFOUND: 'there is no such host; is it the right context?',
  ETIMEDOUT: 'no answer; is there a way to it from here?',
  EHOSTUNREACH: 'there is no way to it from here',
  ENETUNREACH: 'there is no way to it from here',
};

/**
 * What went wrong with a request, in one line that says what to do.
 *
 * @param server the API server's URL, where the line shall name it
 * @throws what is no answer of an API server nor a failure to reach it: a bug
 */
export function clusterProblem(error: unknown, server?: string): string {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  const at = server === undefined ? 'the API server' : server;
  if (error.code === 'ApiError' && 'status' in error) {
    if (error.status === 401)
      return `${at} does not know these credentials (${error.message}): they may have expired; log in again`;
    return error.status === 403 ? `${at} forbids it: ${error.message}` : `${at}: ${error.message}`;
  }
  if (error.code === 'Unreachable') return `${at}: ${error.message}`;
  const code = String(error.code);
  if (code === 'ERR_INVALID_CHAR')
    return `${at} was not asked: ${error.message}; is there a line break in the token or the name?`;
  // An AggregateError (a name with several addresses) has no message of its own.
  const said = ADVICE[code] ?? (error.message === '' ? code : error.message);
  const isOfTls = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code);
  // Codes of the system; Node.js' own begin with ERR_. A connection that is reset has no syscall.
  if (!isOfTls && !/^E(?!RR_)[A-Z0-9]+$/.test(code)) throw error;
  return isOfTls
    ? `${at}: its certificate is not trusted (${said}); is it the right context or --certificate-authority?`
    : `${at} cannot be reached: ${said}`;
}
