import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { INSTALL_NAMESPACE } from '../cluster/installNamespace.js';
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
  /** The cluster to watch; without it serve runs standalone. */
  readonly cluster: ClusterSettings | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logDecisions: DecisionLogs;
  readonly namespace: string | undefined;
  readonly previewInsecure: boolean;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
}

export interface ClusterSettings {
  /** Without it: the service account of the pod. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** The own namespace: never touched, and where Lease and Secret are. */
  readonly namespace: string;
  /** Without it certificates come from files. */
  readonly selfManaged: SelfManagedSettings | undefined;
}

export interface SelfManagedSettings {
  /** DNS names and IP addresses of the certificate, besides the Service's. */
  readonly hosts: readonly string[];
  readonly certificateDurationMs: number;
  readonly caDurationMs: number;
}

export const CERTIFICATES = ['files', 'self-managed'] as const;
const HOUR_MS = 60 * 60 * 1000;
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
    parse: list,
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
    text: 'where certificates come from: files, or self-managed in a Secret and rotated by the leader',
    byDefault: 'files',
    parse: oneOf(CERTIFICATES),
  },
  {
    flags: '--certificate-hosts <names>',
    text: "self-managed: DNS names and IP addresses besides the Service's, separated by commas",
    parse: list,
  },
  {
    flags: '--certificate-duration <duration>',
    text: 'self-managed: how long a serving certificate is valid; renewed at two thirds',
    byDefault: 2160 * HOUR_MS,
    shownDefault: '2160h',
    parse: duration,
  },
  {
    flags: '--ca-duration <duration>',
    text: 'self-managed: how long the certificate authority is valid; renewed at two thirds',
    byDefault: 17_520 * HOUR_MS,
    shownDefault: '17520h',
    parse: duration,
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
  const cluster = clusterSettings(flags, text);
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
    cluster,
    logLevel: flags['logLevel'] as LogLevel,
    logFormat: (flags['logFormat'] as LogFormat | undefined) ?? (process.stdout.isTTY ? 'text' : 'json'),
    logDecisions: flags['logDecisions'] as DecisionLogs,
    namespace: cluster?.namespace ?? text('namespace') ?? ownNamespace(),
    previewInsecure: flags['previewInsecure'] as boolean,
    shutdownDelayMs,
    shutdownGraceMs,
  };
}

/**
 * The cluster that is meant: the kubeconfig's, else the one whose pod this process runs in. Undefined where serve is to
 * run standalone: --kubeconfig none, --namespaces-file, or no cluster far and wide.
 */
function clusterSettings(
  flags: Readonly<Record<string, unknown>>,
  text: (name: string) => string | undefined,
): ClusterSettings | undefined {
  const kubeconfig = text('kubeconfig');
  const context = text('context');
  const namespacesFile = text('namespacesFile');
  const selfManaged = flags['certificates'] === 'self-managed' ? selfManagedSettings(flags) : undefined;
  const isGiven = kubeconfig !== undefined && kubeconfig !== 'none';
  if (context !== undefined && !isGiven) throw new CommandError('--context needs --kubeconfig');
  if (isGiven && namespacesFile !== undefined) {
    throw new CommandError('--namespaces-file is for standalone: with --kubeconfig namespaces are watched');
  }
  const inCluster =
    process.env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`);
  if (!isGiven && (kubeconfig === 'none' || namespacesFile !== undefined || !inCluster)) {
    if (selfManaged === undefined) return undefined;
    throw new CommandError(
      '--certificates self-managed keeps them in a Secret: it needs a cluster (--kubeconfig); use files without one',
    );
  }
  const namespace = text('namespace') ?? ownNamespace() ?? INSTALL_NAMESPACE;
  return { kubeconfig, context, namespace, selfManaged };
}

/** Shorter ones would be renewed without a pause. */
const SHORTEST_CERTIFICATE_MS = 10_000;

function selfManagedSettings(flags: Readonly<Record<string, unknown>>): SelfManagedSettings {
  const certificateDurationMs = flags['certificateDuration'] as number;
  const caDurationMs = flags['caDuration'] as number;
  if (certificateDurationMs < SHORTEST_CERTIFICATE_MS) {
    throw new CommandError(
      '--certificate-duration is at least 10s: shorter ones would be renewed without a pause',
    );
  }
  if (caDurationMs < 2 * certificateDurationMs) {
    throw new CommandError(
      '--ca-duration is at least twice --certificate-duration: a certificate ends with its authority',
    );
  }
  return {
    hosts: (flags['certificateHosts'] as readonly string[] | undefined) ?? [],
    certificateDurationMs,
    caDurationMs,
  };
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

function list(value: string): string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
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
