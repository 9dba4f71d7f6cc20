import { expect } from 'chai';
import { createServer, type Server } from 'node:https';
import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { oneHandshakeAtATime } from '../../src/server/oneHandshakeAtATime.js';

describe('handshakes one after the other', () => {
  let server: Server;
  /** The connections whose handshake has begun. */
  let begun: unknown[];
  let sockets: Socket[];

  /** Nobody is to lose patience while a busy machine runs the test. */
  const NEVER = 60_000;
  const open = (patienceMs: number): void => {
    server = createServer();
    const own: unknown[] = [];
    begun = own;
    for (const event of ['connection', 'secureConnection', 'tlsClientError'])
      server.removeAllListeners(event);
    server.on('connection', (socket) => void own.push(socket));
    oneHandshakeAtATime(server, patienceMs);
    sockets = Array.from({ length: 4 }, () => new Socket());
    for (const socket of sockets) server.emit('connection', socket);
  };

  it('begins the first at once, and the next a turn after it has ended, well or badly', async () => {
    open(NEVER);
    expect(begun).to.deep.equal(sockets.slice(0, 1));
    server.emit('secureConnection');
    expect(begun).to.deep.equal(sockets.slice(0, 1));
    await turn();
    expect(begun).to.deep.equal(sockets.slice(0, 2));
    server.emit('tlsClientError', new Error('broken'));
    await turn();
    expect(begun).to.deep.equal(sockets.slice(0, 3));
  });

  it('goes on without those that take long', async () => {
    open(5);
    expect(begun).to.have.length(1);
    while (begun.length < sockets.length) await sleep(5);
    expect(begun).to.deep.equal(sockets);
  });

  it('leaves out those that are gone, and lets none of their errors through', async () => {
    open(NEVER);
    const [, second, third] = sockets;
    const closed = new Promise((resolve) => second?.once('close', resolve));
    second?.destroy(new Error('reset'));
    await closed;
    server.emit('secureConnection');
    await turn();
    expect(begun).to.deep.equal([sockets[0], third]);
  });

  it('begins at once where nobody shakes hands', async () => {
    open(NEVER);
    for (const count of [2, 3, 4, 4]) {
      server.emit('secureConnection');
      await turn();
      expect(begun).to.have.length(count);
    }
    const late = new Socket();
    server.emit('connection', late);
    expect(begun.at(-1)).to.equal(late);
  });

  it('lets no more than 50 wait: with more the first of them begins', () => {
    open(NEVER);
    const more = Array.from({ length: 49 }, () => new Socket());
    for (const socket of more) server.emit('connection', socket);
    // One shakes hands, 50 wait, and two came too many.
    expect(begun).to.deep.equal(sockets.slice(0, 3));
  });

  it('refuses a server that takes no connections', () => {
    const other = createServer();
    other.removeAllListeners('connection');
    expect(() => oneHandshakeAtATime(other)).to.throw('no listener for connections');
  });
});
