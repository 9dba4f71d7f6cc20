import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';

/** A handshake takes a few turns of the event loop; whoever takes longer over it is not waited for. */
const PATIENCE_MS = 20;
/** So that nobody waits long behind those who never shake hands: with more, the one that came first begins at once. */
const WAITING_MAX = 50;

/**
 * Lets the TLS handshakes of a server begin one after the other. Each takes a millisecond or two of the thread that
 * answers admission, and thirty at once would take it in one piece.
 *
 * @param server one that nobody listens to yet
 * @param patienceMs after so long the next may begin
 */
export function oneHandshakeAtATime(server: HttpsServer, patienceMs = PATIENCE_MS): void {
  // What tls.Server itself does with a connection.
  const [begin] = server.listeners('connection') as ((this: HttpsServer, socket: Socket) => void)[];
  if (begin === undefined) throw new Error('a TLS server has no listener for connections');
  server.removeListener('connection', begin);
  const waiting: Socket[] = [];
  let current: Socket | undefined;
  let patience: NodeJS.Timeout | undefined;

  const admit = (): void => {
    if (current !== undefined) return;
    do current = waiting.shift();
    while (current?.destroyed);
    if (current === undefined) return;
    patience = setTimeout(release, patienceMs).unref();
    begin.call(server, current);
  };
  const release = (): void => {
    clearTimeout(patience);
    current = undefined;
    // Every other socket has its turn before the next.
    setImmediate(admit);
  };
  server.on('secureConnection', release).on('tlsClientError', release);
  server.on('connection', (socket: Socket) => {
    // Reset while it waits: it is destroyed then, and not admitted.
    socket.on('error', () => undefined);
    waiting.push(socket);
    if (waiting.length <= WAITING_MAX) {
      admit();
      return;
    }
    const oldest = waiting.shift();
    if (oldest?.destroyed === false) begin.call(server, oldest);
  });
}
