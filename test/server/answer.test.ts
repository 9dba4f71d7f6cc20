import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { sendAnswer } from '../../src/server/answer.js';

const MIB = 1024 * 1024;
const BODY = Buffer.alloc(8 * MIB);

describe('an answer to a request whose body has not been read', () => {
  for (const [rest, isRead] of [
    ['left', false],
    ['discarded', true],
  ] as const) {
    it(`arrives, and closes the connection; the body is ${rest}`, async () => {
      let socket: Socket | undefined;
      const server = createServer((req, res) => {
        socket = req.socket;
        sendAnswer(req, res, { status: 503, contentType: 'text/plain', body: 'later' }, false, rest);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      let received = '';
      client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      client.on('error', () => undefined);
      client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n`);
      client.write(BODY);
      // Not once(): that fails for the error of a body that is cut short.
      await new Promise((resolve) => client.on('close', resolve));
      server.close();
      expect(received)
        .to.match(/^HTTP\/1\.1 503 /)
        .and.match(/\r\n\r\nlater$/);
      expect(socket?.destroyed).to.equal(true);
      const bytes = socket?.bytesRead ?? NaN;
      if (isRead) expect(bytes).to.be.above(BODY.length);
      else expect(bytes).to.be.below(MIB);
    });
  }
});
