import { expect } from 'chai';
import { pod, requestOf, reviewOf } from '../../admission/support/reviews.js';
import { get, post } from '../support/clients.js';
import type { LogLine } from '../../e2e/support/kubeHarden.js';
import { eventually } from '../../e2e/support/wait.js';
import { hardens, print, serve } from './support/serveProcess.js';

const FAILURES = 200;
const INJECTION = new URL('support/throwingRule.js', import.meta.url).href;

describe('13. a rule that throws', () => {
  it('fails its request with 500, stack in the log, counted; the process lives, the next request is fine', async () => {
    const server = await serve({ env: { NODE_OPTIONS: `--import=${INJECTION}` } });
    const broken = (uid: string): string =>
      reviewOf(requestOf(pod({ containers: [{ name: 'throws', image: 'web:1' }] }), { uid }));
    for (let failure = 0; failure < FAILURES; failure += 1) {
      const reply = await post(server.admissionPort, broken(`broken-${failure}`));
      expect(reply.status).to.equal(500);
      expect(JSON.parse(reply.text)).to.include({ kind: 'Status', reason: 'InternalError', code: 500 });
      expect(reply.text, 'the stack is for the log').to.not.contain('throwingRule.js');
      expect(await hardens(server), 'the next request').to.equal(true);
    }
    const failures = (): LogLine[] => server.logs().filter(({ message }) => message === 'decision failed');
    const toldIn = (lines: readonly LogLine[]): number =>
      lines.reduce((sum, { repeated }) => sum + (typeof repeated === 'number' ? repeated : 1), 0);
    // Ten lines alike are written in ten seconds, and then one that counts the rest.
    await eventually('every failure told', () => toldIn(failures()) === FAILURES, 30_000);
    const lines = failures();
    const counted = await server.metric('kube_harden_rule_errors_total', { rule: 'resources' });
    print(`${FAILURES} requests failed with 500, ${counted} counted, ${lines.length} log lines with a stack`);
    expect(counted).to.equal(FAILURES);
    expect(lines[0]).to.include({ level: 'error', rule: 'resources', uid: 'broken-0' });
    for (const { error } of lines)
      expect(error)
        .to.match(/a bug in a rule[^]*at .*throwingRule\.js:\d+:\d+/)
        .and.contain('harden.js');
    expect((await get(`${server.opsUrl}/livez`)).text).to.equal('ok');
    expect((await get(`${server.opsUrl}/readyz`)).text).to.equal('ok');
    expect(await server.metric('kube_harden_responses_total', { code: '500' })).to.equal(FAILURES);
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
