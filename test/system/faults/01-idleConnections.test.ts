import { expect } from 'chai';
import { podReview } from '../../bench/review.js';
import { RawConnection, pause } from '../support/clients.js';
import { rawRequest } from './support/rawRequest.js';
import { LONG, print, serve } from './support/serveProcess.js';

/** Node.js closes an idle connection after 5 s by default, and a Go client one after 90 s. */
const IDLE_SECONDS = LONG ? [5, 6, 10, 60, 89] : [5, 6, 10];
const CONNECTIONS_EACH = 10;

describe('1. connections that are idle for long', () => {
  it('are there to be used again: all answered', async function () {
    this.timeout(120_000);
    const server = await serve();
    // All wait together.
    const waits = IDLE_SECONDS.flatMap((seconds) =>
      Array.from({ length: CONNECTIONS_EACH }, async () => {
        const connection = await RawConnection.open(server.admissionPort);
        expect(await answer(connection), 'the first request').to.equal('200');
        await pause(seconds * 1000);
        expect(await answer(connection), `after ${seconds} s`).to.equal('200');
        connection.destroy();
      }),
    );
    await Promise.all(waits);
    print(`${waits.length} connections used again after ${IDLE_SECONDS.join(', ')} s, 0 lost`);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });
});

async function answer(connection: RawConnection): Promise<string> {
  connection.received = '';
  connection.write(rawRequest(podReview(2)));
  return /^HTTP\/1.1 (\d+)/.exec(await connection.until(/\}\}$/))?.[1] ?? 'closed';
}
