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
    expect(out).to.match(/^hostUsers .* not built yet$/m);
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
    expect((await run('runtimeSocket')).out).to.match(/not Override: ./);
  });

  it('prints JSON', async () => {
    expect(JSON.parse((await run(undefined, 'json')).out))
      .to.have.property('rules')
      .with.length(RULE_IDS.length);
    expect(JSON.parse((await run('sshd', 'json')).out)).to.deep.include({ id: 'sshd', built: true });
    expect(JSON.parse((await run('procMount', 'json')).out)).to.deep.include({
      id: 'procMount',
      built: false,
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
