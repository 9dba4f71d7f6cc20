import { MessageChannel } from 'node:worker_threads';

const { port1, port2 } = new MessageChannel();
let waiting: (() => void)[] = [];
port1
  .on('message', () => {
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve();
  })
  .unref();

/**
 * Resolves in the phase of the event loop in which sockets are read. What is written in that of `setImmediate`, in which one
 * hears that there is room for more, Node.js 20 takes for unsent until the next such phase: where the answer has more than
 * 16 KiB and the next request comes before that, it cuts the connection (HPE_PAUSED). Asked for from that very phase, it comes
 * before the event loop goes on.
 */
export function pollPhase(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) port2.postMessage(undefined);
  });
}
