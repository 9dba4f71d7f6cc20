import { expect } from 'chai';
import { RawConnection } from '../support/clients.js';
import { rawHead } from './support/rawRequest.js';
import { print, serve } from './support/serveProcess.js';

const GRACE_SECONDS = 2;
const OPEN_BODIES = 20;

describe('3. SIGTERM while bodies never end', () => {
  it('exits at the deadline, and logs each request that is cut', async () => {
    const server = await serve({ args: ['--shutdown-grace-period', `${GRACE_SECONDS}s`] });
    for (let opened = 0; opened < OPEN_BODIES; opened += 1) {
      const endless = await RawConnection.open(server.admissionPort);
      endless.write(`${rawHead('Content-Length: 99', '/mutate?timeout=30s')}{`);
    }
    while ((await server.metric('kube_harden_requests_in_flight')) < OPEN_BODIES);
    const signalled = performance.now();
    const exit = await server.stop();
    const seconds = (performance.now() - signalled) / 1000;
    const cut = server.logs().filter(({ message }) => message === 'request cut at the shutdown deadline');
    // Ten lines alike are written, and one that counts the rest.
    const told = cut.reduce((sum, { repeated }) => sum + (typeof repeated === 'number' ? repeated : 1), 0);
    print(
      `${told} requests cut and logged in ${cut.length} lines; exit ${String(exit.code)} after ${seconds.toFixed(2)} s`,
    );
    expect(exit).to.deep.equal({ code: 0, signal: null });
    expect(told).to.equal(OPEN_BODIES);
    for (const line of cut)
      expect(line).to.include({
        listener: 'admission',
        path: '/mutate?timeout=30s',
        bodyComplete: false,
      });
    // They have nine tenths of the grace period. A busy machine makes it late, but never as late as the requests would be.
    expect(seconds).to.be.within(0.88 * GRACE_SECONDS, GRACE_SECONDS + 5);
    expect(server.logs().at(-1)?.message).to.equal('stopped');
  });
});
