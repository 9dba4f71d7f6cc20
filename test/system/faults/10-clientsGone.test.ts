import { expect } from 'chai';
import { podReview } from '../../bench/review.js';
import { RawConnection, eventually } from '../support/clients.js';
import { rawHead, rawRequest } from './support/rawRequest.js';
import { LONG, hardens, openFiles, print, residentMiB, serve } from './support/serveProcess.js';

const CLIENTS = LONG ? 10_000 : 3000;
const AT_A_TIME = 40;
/** Sockets that the kernel or Node.js has not quite let go of yet. */
const FILES_SLACK = 5;

describe('10. clients that go away', () => {
  it('in the middle of the body, or before the answer, leave nothing behind', async function () {
    this.timeout(180_000);
    const server = await serve();
    await hardens(server);
    const [files, lines] = [openFiles(server), server.logs().length];
    const review = podReview(2);
    const half = review.slice(0, review.length / 2);
    const length = `Content-Length: ${review.length}`;
    // What such a client wrote may be thrown away with its connection, before the server has heard of it.
    const hasty = [`${rawHead(length)}${half}`, rawRequest(review)];
    let [gone, begun] = [0, 0];
    const client = async (): Promise<void> => {
      while (gone < CLIENTS) {
        gone += 1;
        const number = gone;
        const isHasty = number % 2 === 0;
        const connection = await RawConnection.open(server.admissionPort);
        if (isHasty) connection.write(hasty[(number / 2) % 2] ?? '');
        else {
          connection.write(rawHead(`${length}\r\nExpect: 100-continue`));
          await connection.until(/^HTTP\/1\.1 100 /);
          connection.write(half);
          begun += 1;
        }
        await new Promise((resolve) => setImmediate(resolve));
        connection.destroy();
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, client));
    await eventually(() => openFiles(server) <= files + FILES_SLACK);
    await eventually(async () => (await server.metric('kube_harden_requests_in_flight')) === 0);
    const counted = await server.metric('kube_harden_refused_requests_total', { reason: 'clientGone' });
    const logged = server.logs().length - lines;
    print(
      `${gone} clients gone, ${counted} of them noticed in the middle of a body; ` +
        `${openFiles(server) - files} file descriptors kept, ${logged} log lines, ${residentMiB(server).now} MiB resident`,
    );
    expect(logged).to.equal(0);
    expect(begun).to.be.at.least(CLIENTS / 2);
    expect(counted, 'each whose body had begun, and some of the hasty').to.be.within(begun, gone);
    expect(await server.metric('kube_harden_body_bytes_in_flight')).to.equal(0);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    expect(await hardens(server), 'the next request').to.equal(true);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
