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
    const half = `${rawHead(`Content-Length: ${review.length}`)}${review.slice(0, review.length / 2)}`;
    let gone = 0;
    const client = async (): Promise<void> => {
      while (gone < CLIENTS) {
        gone += 1;
        const connection = await RawConnection.open(server.admissionPort);
        connection.write(gone % 2 === 0 ? half : rawRequest(review));
        // Once its bytes are on the way; what is answered meanwhile meets a reset.
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
    // Every second one, and some of whose whole review only the beginning had come.
    expect(counted).to.be.within(0.9 * (gone / 2), gone);
    expect(await server.metric('kube_harden_body_bytes_in_flight')).to.equal(0);
    expect(await server.metric('kube_harden_uncaught_errors_total')).to.equal(0);
    expect(await hardens(server), 'the next request').to.equal(true);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
