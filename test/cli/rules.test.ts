import { expect } from 'chai';
import { runRules } from '../../src/cli/rules.js';
import { RULE_IDS } from '../../src/hardening/rule.js';

async function run(
  id?: string,
  output?: 'table' | 'json',
): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runRules(
    id,
    { output },
    { stdout: (text) => (out += text), stderr: (text) => (err += text) },
  );
  return { status, out, err };
}

describe('kube-harden rules', () => {
  it('lists all rules in catalogue order', async () => {
    const { status, out } = await run();
    expect(status).to.equal(0);
    const [, ...ids] = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(ids).to.deep.equal([...RULE_IDS]);
    expect(out).to.match(/^hostUsers +high +linux +- +Pods have a user namespace of their own$/m);
  });

  it('prints all of one rule', async () => {
    const { out } = await run('readOnlyRootFilesystem');
    for (const word of [
      'risk',
      'control',
      'os',
      'actions',
      'Default sets',
      'Override also',
      'fields',
      'opt out',
    ]) {
      expect(out).to.match(new RegExp(`^${word} `, 'm'));
    }
    expect(out).to.include('kubectl label ns NAMESPACE kube-harden.io/readOnlyRootFilesystem=disabled');
  });

  it('says why an action is refused', async () => {
    const { out } = await run('runtimeSocket');
    expect(out).to.match(/not Override: ./);
    expect(out).to.not.match(/^Override /m);
  });

  it('says what Override sets where there is no Default', async () => {
    const { out } = await run('enableServiceLinks');
    expect(out).to.match(/not Default: ./);
    expect(out).to.match(/^Override sets `false`$/m);
    expect(out).to.not.match(/^Default sets /m);
  });

  it('prints JSON', async () => {
    expect(JSON.parse((await run(undefined, 'json')).out))
      .to.have.property('rules')
      .with.length(RULE_IDS.length);
    expect(JSON.parse((await run('sshd', 'json')).out)).to.deep.include({
      id: 'sshd',
      risk: 'low',
      control: null,
    });
  });

  it('suggests where an id is mistyped, and ends with 2', async () => {
    expect(await run('readonlyRootFilesytem')).to.deep.equal({
      status: 2,
      out: '',
      err: 'there is no rule "readonlyRootFilesytem"; did you mean "readOnlyRootFilesystem"?\n',
    });
    expect((await run('x')).err).to.include('lists them all');
  });
});
