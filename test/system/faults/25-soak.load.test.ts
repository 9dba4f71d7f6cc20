import { expect } from 'chai';
import { linesOf, soak } from '../../soak/soak.js';
import { print } from './support/serveProcess.js';

/*
 * A million requests in an hour, and what they may cost: `make soak`. In less than a minute a slope has an error that
 * is larger than any leak: here memory, files and the event loop must only stay near where they are after warm-up.
 */
const SECONDS = 30;

describe('25. soak, the short variant', () => {
  it('mixed requests while namespaces, policies and certificates change: all answered, nothing grows', async function () {
    this.timeout(120_000);
    const report = await soak({
      seconds: SECONDS,
      requests: 0,
      warmUpSeconds: SECONDS / 3,
      perSecond: 500,
      sampleEveryMs: 300,
      changeEveryMs: 500,
    });
    for (const line of linesOf(report)) print(line);
    expect([...new Set(report.wrong)]).to.deep.equal([]);
    expect(report.answered).to.be.above(SECONDS * 10);
    expect(report.changes).to.be.above(SECONDS / 2);
    // Two that are written within one look at the files are one; one may be read twice, since two files change.
    expect(report.certificates.reloaded).to.be.at.least(report.certificates.written / 2);
    expect(report.certificates.written).to.be.above(SECONDS / 6);
    expect(report.uncaughtErrors).to.equal(0);
    const grown = ([from, to]: readonly [number, number]): number => to - from;
    expect(grown(report.residentMiB)).to.be.below(40);
    expect(grown(report.openFiles)).to.be.within(-10, 10);
    expect(grown(report.loopDelayMs)).to.be.below(50);
  });
});
