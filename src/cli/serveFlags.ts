import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { suggestion } from '../policy/didYouMean.js';
import { parseBindAddress, type BindAddress } from '../server/address.js';
import { parseGoDuration } from '../server/goDuration.js';
import { DECISION_LOGS, type DecisionLogs } from '../telemetry/decisionLog.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../telemetry/logger.js';
import { CommandError } from './commandError.js';

/** What `serve` was asked, read from flags and environment, checked. */
export interface ServeSettings {
  readonly admission: BindAddress;
  /** Without it the preview is turned off. */
  readonly preview: BindAddress | undefined;
  readonly ops: BindAddress;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly clientCaFile: string | undefined;
  readonly clientAllowedNames: readonly string[] | undefined;
  readonly policyFile: string | undefined;
  readonly namespacesFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logDecisions: DecisionLogs;
  readonly namespace: string | undefined;
  readonly previewInsecure: boolean;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
}

const CERTIFICATES = ['files', 'self-managed'] as const;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Flag {
  readonly flags: string;
  readonly text: string;
  readonly byDefault?: unknown;
  /** How the default is shown, where it is not the value itself. */
  readonly shownDefault?: string;
  /** What the flag means without a value. */
  readonly preset?: string;
  readonly parse?: (value: string) => unknown;
}

/** CONTRACT §3's table, in its order. Each is also an environment variable, see `environmentName`. */
const FLAGS: readonly Flag[] = [
  {
    flags: '--admission-bind-address <address>',
    text: 'where the webhook listens (TLS): host:port, no host means all',
    byDefault: { port: 8443 },
    shownDefault: ':8443',
    parse: bindAddress,
  },
  {
    flags: '--preview-bind-address <address>',
    text: 'where the preview listens (TLS); 0 turns it off',
    byDefault: { port: 9443 },
    shownDefault: ':9443',
    parse: (value) => (value === '0' ? 'off' : bindAddress(value)),
  },
  {
    flags: '--ops-bind-address <address>',
    text: 'where /livez, /readyz and /metrics listen (no TLS)',
    byDefault: { port: 8080 },
    shownDefault: ':8080',
    parse: bindAddress,
  },
  {
    flags: '--tls-cert-file <file>',
    text: 'the serving certificate (PEM); reloaded when it changes',
    byDefault: 'certs/tls.crt',
  },
  {
    flags: '--tls-private-key-file <file>',
    text: 'its private key (PEM); reloaded when it changes',
    byDefault: 'certs/tls.key',
  },
  {
    flags: '--client-ca-file <file>',
    text: 'require a client certificate signed by one of these, on the admission listener',
  },
  {
    flags: '--client-allowed-names <names>',
    text: 'with --client-ca-file: only certificates of these names, separated by commas',
    parse: (value) =>
      value
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
  },
  {
    flags: '--policy-file <path>',
    text: 'a file or folder of HardeningPolicies, over the built-in ones by name; reloaded when it changes',
  },
  {
    flags: '--namespaces-file <file>',
    text: 'standalone: a List of Namespaces with labels; without it every namespace counts as enforce',
  },
  {
    flags: '--kubeconfig <file>',
    text: 'the cluster to watch; "none" runs standalone even inside a cluster',
    shownDefault: 'in-cluster, else none',
  },
  { flags: '--context <name>', text: 'the context of the kubeconfig to use' },
  {
    flags: '--log-level <level>',
    text: `which log lines are written: ${LOG_LEVELS.join(', ')}`,
    byDefault: 'info',
    parse: oneOf(LOG_LEVELS),
  },
  {
    flags: '--log-format <format>',
    text: 'json or text',
    shownDefault: 'json, on a terminal text',
    parse: oneOf(LOG_FORMATS),
  },
  {
    flags: '--log-decisions <which>',
    text: `which decisions get a log line: ${DECISION_LOGS.join(', ')}; in audit namespaces changed at least`,
    byDefault: 'denied',
    parse: oneOf(DECISION_LOGS),
  },
  {
    flags: '--namespace <name>',
    text: 'the own namespace, never touched',
    shownDefault: "$POD_NAMESPACE, else the service account's",
  },
  {
    flags: '--certificates <how>',
    text: 'where certificates come from: files, or self-managed in a Secret (not built yet)',
    byDefault: 'files',
    parse: oneOf(CERTIFICATES),
  },
  {
    flags: '--preview-insecure [boolean]',
    text: 'standalone: answer peers other than loopback on the preview',
    byDefault: false,
    preset: 'true',
    parse: boolean,
  },
  {
    flags: '--shutdown-delay-duration <duration>',
    text: 'how long requests are still accepted after a signal, with readiness failing',
    byDefault: 0,
    shownDefault: '0s',
    parse: duration,
  },
  {
    flags: '--shutdown-grace-period <duration>',
    text: 'the process ends within this time of a signal, the delay included',
    byDefault: 25_000,
    shownDefault: '25s',
    parse: duration,
  },
];

/** `--log-level` is `KUBE_HARDEN_LOG_LEVEL`. */
export function environmentName(flag: string): string {
  return `KUBE_HARDEN_${flag.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;
}

/** Adds every flag of `serve` to the command. */
export function addServeFlags(command: Command): Command {
  for (const { flags, text, byDefault, shownDefault, preset, parse } of FLAGS) {
    const option = new Option(flags, text);
    if (byDefault !== undefined) option.default(byDefault, shownDefault);
    else if (shownDefault !== undefined) option.description = `${text} (default: ${shownDefault})`;
    if (preset !== undefined) option.preset(preset);
    if (parse !== undefined) option.argParser((value) => parse(value));
    const name = environmentName(option.long ?? '');
    // An empty variable is the same as none: a manifest may name it and leave it blank.
    if (process.env[name] === '') Reflect.deleteProperty(process.env, name);
    command.addOption(option.env(name));
  }
  return command;
}

/** @throws CommandError where flags do not go together, or ask for what is not built yet */
export function serveSettings(flags: Readonly<Record<string, unknown>>): ServeSettings {
  const text = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  refuseCluster(text('kubeconfig'), text('context'), text('namespacesFile'));
  if (flags['certificates'] === 'self-managed') {
    throw new CommandError(
      '--certificates self-managed is not built yet; use files (see "kube-harden certs")',
    );
  }
  const clientCaFile = text('clientCaFile');
  const clientAllowedNames = flags['clientAllowedNames'] as readonly string[] | undefined;
  if (clientAllowedNames !== undefined && clientCaFile === undefined) {
    throw new CommandError(
      '--client-allowed-names needs --client-ca-file: without it no certificate is asked for',
    );
  }
  if (clientAllowedNames?.length === 0) {
    throw new CommandError('--client-allowed-names is empty: give at least one name, or leave it out');
  }
  const shutdownDelayMs = flags['shutdownDelayDuration'] as number;
  const shutdownGraceMs = flags['shutdownGracePeriod'] as number;
  if (shutdownDelayMs >= shutdownGraceMs) {
    throw new CommandError(
      '--shutdown-delay-duration is part of --shutdown-grace-period and has to be shorter than it',
    );
  }
  const preview = flags['previewBindAddress'] as BindAddress | 'off';
  return {
    admission: flags['admissionBindAddress'] as BindAddress,
    preview: preview === 'off' ? undefined : preview,
    ops: flags['opsBindAddress'] as BindAddress,
    tlsCertFile: text('tlsCertFile') ?? 'certs/tls.crt',
    tlsPrivateKeyFile: text('tlsPrivateKeyFile') ?? 'certs/tls.key',
    clientCaFile,
    clientAllowedNames,
    policyFile: text('policyFile'),
    namespacesFile: text('namespacesFile'),
    logLevel: flags['logLevel'] as LogLevel,
    logFormat: (flags['logFormat'] as LogFormat | undefined) ?? (process.stdout.isTTY ? 'text' : 'json'),
    logDecisions: flags['logDecisions'] as DecisionLogs,
    namespace: text('namespace') ?? ownNamespace(),
    previewInsecure: flags['previewInsecure'] as boolean,
    shutdownDelayMs,
    shutdownGraceMs,
  };
}

/**
 * Watching is a later issue. Inside a cluster, running standalone would mean that every namespace is hardened whatever
 * its labels say, so that has to be asked for: with --namespaces-file or --kubeconfig none.
 */
function refuseCluster(
  kubeconfig: string | undefined,
  context: string | undefined,
  namespacesFile: string | undefined,
): void {
  if (kubeconfig === 'none') return;
  const notBuilt = 'watching a cluster is not built yet';
  if (kubeconfig !== undefined || context !== undefined) {
    throw new CommandError(
      `${notBuilt}; leave ${kubeconfig === undefined ? '--context' : '--kubeconfig'} out to run standalone`,
    );
  }
  const inCluster =
    process.env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`);
  if (inCluster && namespacesFile === undefined) {
    throw new CommandError(
      `${notBuilt}, and this process runs in one; give --namespaces-file, or --kubeconfig none to enforce in every namespace`,
    );
  }
}

function ownNamespace(): string | undefined {
  const fromEnvironment = process.env['POD_NAMESPACE'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  try {
    return readFileSync(`${SERVICE_ACCOUNT}/namespace`, 'utf8').trim() || undefined;
  } catch {
    return undefined; // not in a pod
  }
}

function bindAddress(value: string): BindAddress {
  if (value === '0') throw new InvalidArgumentError('Only the preview can be turned off.');
  const address = parseBindAddress(value);
  if ('message' in address) throw new InvalidArgumentError(sentence(address.message));
  return address;
}

function duration(value: string): number {
  const milliseconds = parseGoDuration(value);
  if (milliseconds === undefined) throw new InvalidArgumentError('A duration is 10s, 500ms or 1m30s.');
  return milliseconds;
}

function boolean(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidArgumentError('It is true or false.');
}

function oneOf<T extends string>(values: readonly T[]): (value: string) => T {
  return (value) => {
    const known = values.find((candidate) => candidate === value);
    if (known !== undefined) return known;
    throw new InvalidArgumentError(sentence(`it is one of ${values.join(', ')}${suggestion(value, values)}`));
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('?') ? '' : '.'}`;
}
