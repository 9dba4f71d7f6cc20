import type { KubeConfig } from '@kubernetes/client-node';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isRecord } from '../hardening/locate.js';
import { USER_AGENT } from './apiClient.js';
import { ApiError } from './apiError.js';
import { UnreachableError } from './unreachableError.js';

/** Where a program is run, and how long and how much of it is waited for. */
export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** A program of the container and its arguments; no shell is put in between. */
  readonly command: readonly string[];
  /** From the first request to the program's end. */
  readonly timeoutMs: number;
  /** Of standard output; of standard error 64 KiB are kept. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Told standard output as it comes, also where no result follows. */
  readonly onOutput?: (bytes: Buffer) => void;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 126 and 127 are the runtime's where the program could not be started; undefined where the output was cut. */
  readonly exitCode: number | undefined;
  /** There was more than `maxBytes`; the connection was closed then. */
  readonly cut: boolean;
}

/** The credentials, and what is sent beside them (`Impersonate-User`). */
export interface ExecConnection {
  readonly config: KubeConfig;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/**
 * Thrown where a program could not be run in a container for a reason that is not the API server's own answer: the
 * container is not running, the program is not in it, it did not end in time.
 *
 * - `NotFound`: the container has no such program (or it cannot be executed)
 * - `Failed`: the kubelet or the runtime could not run it, with their words
 * - `Timeout`: it did not end in time
 */
export class ExecError extends Error {
  readonly code = 'Exec';
  constructor(
    readonly reason: 'NotFound' | 'Failed' | 'Timeout',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ExecError';
  }
}

const STDERR_MAX = 64 * 1024;
/** A refusal is a Status of a few hundred bytes; a proxy's page may be longer. */
const ANSWER_MAX = 64 * 1024;

/** Of remotecommand: what a message of the kubelet's is, by its first byte. Source: k8s.io/apimachinery, remotecommand. */
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;

/** As far as it is used here; client-node gives ws's own. */
interface Socket {
  onclose: ((event: { readonly code: number; readonly reason?: unknown }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  terminate(): void;
}

/** What ws takes beside the options of a request, which client-node's types do not name. */
interface SocketOptions extends RequestOptions {
  maxPayload?: number;
  finishRequest?: (request: ClientRequest, socket: SocketEvents) => void;
}
interface SocketEvents {
  once(
    event: 'unexpected-response',
    listener: (request: ClientRequest, response: IncomingMessage) => void,
  ): unknown;
}

/**
 * Runs a program in a container and waits for its end, as `kubectl exec` does without a terminal or standard input.
 * Memory is bounded by `maxBytes`, time by `timeoutMs`: the connection is closed then, so whoever runs something sees
 * to it that it ends by itself.
 *
 * @throws ApiError where the API server or the kubelet refuses it (403, 404), ExecError, UnreachableError, or the
 *   system's own error where the server is not reached
 */
export async function execInPod(
  { config, headers }: ExecConnection,
  { namespace, pod, container, command, timeoutMs, maxBytes, signal, onOutput }: ExecRequest,
): Promise<ExecResult> {
  const { WebSocketHandler } = await import('@kubernetes/client-node/dist/web-socket-handler.js');
  const query = new URLSearchParams([
    ['container', container],
    ['stdout', 'true'],
    ['stderr', 'true'],
    ...command.map((word): [string, string] => ['command', word]),
  ]);
  const names = [namespace, pod].map(encodeURIComponent);
  const path = `/api/v1/namespaces/${names[0] ?? ''}/pods/${names[1] ?? ''}/exec?${query.toString()}`;
  const stdout = new Kept(maxBytes);
  const stderr = new Kept(STDERR_MAX);

  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    let isOver = false;
    const end = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket?.terminate();
      settle();
    };
    const fail = (error: unknown): void =>
      end(() => reject(error instanceof Error ? error : new Error(String(error))));
    const finish = (exitCode: number | undefined): void =>
      end(() => resolve({ stdout: stdout.text(), stderr: stderr.text(), exitCode, cut: stdout.isCut }));
    const timer = setTimeout(
      () =>
        fail(
          new ExecError(
            'Timeout',
            `${shownCommand(command)} in container "${container}" of pod ${pod} did not end within ${timeoutMs} ms`,
          ),
        ),
      timeoutMs,
    );
    const abort = (): void => fail(signal?.reason);
    if (signal?.aborted === true) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort, { once: true });

    const credentials = {
      getCurrentCluster: () => config.getCurrentCluster(),
      applyToHTTPSOptions: async (options: SocketOptions): Promise<void> => {
        await config.applyToHTTPSOptions(options);
        const servername = config.getCurrentCluster()?.tlsServerName;
        if (servername) options.servername = servername;
        options.headers = {
          ...(options.headers as object | undefined),
          ...headers,
          'user-agent': USER_AGENT,
        };
        options.maxPayload = Math.max(maxBytes, STDERR_MAX) + 1024;
        options.finishRequest = (request, events) => {
          events.once('unexpected-response', (_, response) => {
            refusal(response).then(fail, fail);
          });
          request.end();
        };
      },
    };
    const onMessage = (stream: number, bytes: Buffer): boolean => {
      if (isOver) return false;
      if (stream === STDOUT) {
        onOutput?.(bytes);
        stdout.add(bytes);
      } else if (stream === STDERR) stderr.add(bytes);
      else if (stream === STATUS) {
        const status = endOf(bytes, container);
        if (status instanceof Error) fail(status);
        else finish(status);
      }
      // All that is waited for is there.
      if (stdout.isCut) finish(undefined);
      return true;
    };
    // It closes the process's own standard streams where a server asks for it, unless it is given others.
    const streams = { stdin: { pause: nothing }, stdout: { end: nothing }, stderr: { end: nothing } };
    const handler = new WebSocketHandler(
      credentials as unknown as KubeConfig,
      undefined,
      streams as unknown as ConstructorParameters<typeof WebSocketHandler>[2],
    );
    // What it is made of (ws) brings no types.
    const opening: Promise<unknown> = handler.connect(path, null, onMessage);
    opening.then(
      (opened) => {
        const connected = opened as Socket;
        socket = connected;
        if (isOver) {
          connected.terminate();
          return;
        }
        connected.onclose = ({ code }) => fail(closedError(container, pod, code));
        connected.onerror = ({ message }) =>
          fail(new UnreachableError(`the connection to the API server broke: ${message ?? 'unknown error'}`));
      },
      (error: unknown) => fail(connectError(error)),
    );
  });
}

function nothing(): void {
  // A server's wish to close a stream that is not there.
}

/** The first bytes of a stream. */
class Kept {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  isCut = false;
  constructor(private readonly max: number) {}

  add(bytes: Buffer): void {
    const room = this.max - this.length;
    if (bytes.length > room) this.isCut = true;
    if (room <= 0 || bytes.length === 0) return;
    this.chunks.push(bytes.subarray(0, room));
    this.length += Math.min(bytes.length, room);
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

/** The exit code that a Status at the end tells, or why there is none. */
function endOf(bytes: Buffer, container: string): number | ExecError {
  let status: unknown;
  try {
    status = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return new ExecError('Failed', 'the kubelet ended the exec with something that is no Status', {
      cause: error,
    });
  }
  if (!isRecord(status))
    return new ExecError('Failed', 'the kubelet ended the exec with something that is no Status');
  if (status['status'] === 'Success') return 0;
  const { reason, message, details } = status;
  const causes: unknown = isRecord(details) ? details['causes'] : undefined;
  const cause: unknown = Array.isArray(causes)
    ? causes.find((each) => isRecord(each) && each['reason'] === 'ExitCode')
    : undefined;
  if (reason === 'NonZeroExitCode' && isRecord(cause)) return Number(cause['message']);
  const said = typeof message === 'string' ? message.trim() : 'no reason is given';
  return isNoSuchProgram(said)
    ? new ExecError('NotFound', said)
    : new ExecError('Failed', `nothing can be run in container "${container}": ${said}`);
}

/** What runc, crun and their like say of a program that is not there or cannot be executed. */
function isNoSuchProgram(message: string): boolean {
  return /executable file not found|no such file or directory|exec format error|permission denied|not a directory/i.test(
    message,
  );
}

/** The answer of a server that does not switch to a stream. */
async function refusal(response: IncomingMessage): Promise<Error> {
  const kept = new Kept(ANSWER_MAX);
  for await (const chunk of response) {
    kept.add(chunk as Buffer);
    if (kept.isCut) break;
  }
  const status = response.statusCode ?? 0;
  const text = kept.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  const message =
    isRecord(answer) && typeof answer['message'] === 'string' ? answer['message'] : text.trim().slice(0, 200);
  const reason = isRecord(answer) && typeof answer['reason'] === 'string' ? answer['reason'] : undefined;
  return new ApiError(status, message || `the API server answered ${status}`, reason);
}

function closedError(container: string, pod: string, code: number): ExecError {
  return new ExecError(
    'Failed',
    `the connection to container "${container}" of pod ${pod} was closed before it ended (code ${code}): the container or its node has gone`,
  );
}

/** ws hands on an event that holds the system's error. */
function connectError(event: unknown): unknown {
  if (isRecord(event) && event['error'] instanceof Error) return event['error'];
  if (event instanceof Error || !isRecord(event)) return event;
  return new UnreachableError(
    `the connection to the API server could not be made: ${String(event['message'])}`,
  );
}

function shownCommand(command: readonly string[]): string {
  return command[0] ?? '';
}
