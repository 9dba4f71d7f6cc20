import { MessageChannel } from 'node:worker_threads';

const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * Gives the memory of a buffer back at once: it is empty then, whoever holds it. As garbage it would lie about for long,
 * since it takes no room among the objects that V8 counts; and where there is much of it V8 collects everything that
 * lives long for its sake, with pauses of milliseconds. It takes 2 µs for 16 KiB and 20 µs for 1 MiB.
 */
export function giveBack(memory: ArrayBuffer): void {
  // Moved to a port that nobody hears.
  nowhere.postMessage(undefined, [memory]);
}
