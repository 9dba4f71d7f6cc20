import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policyCommand, runPolicyCheck, runPolicyShow } from '../../src/cli/policy.js';
import { BUILTIN_POLICIES, BUILTIN_POLICY_TEXTS } from '../../src/policy/builtin.generated.js';
import { loadPolicies } from '../../src/policy/load.js';

const policy = (name: string, spec = '{}'): string =>
  `apiVersion: kube-harden.io/v1alpha1\nkind: HardeningPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

describe('kube-harden policy', () => {
  let folder: string;
  let stdout: string;
  let stderr: string;
  const output = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => {
      stderr += text;
    },
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-'));
    stdout = '';
    stderr = '';
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  describe('check', () => {
    it('prints a line for each policy that is valid', async () => {
      const file = write('p.yaml', `${policy('a')}---\n${policy('b', '{rules: {sshd: {action: Deny}}}')}`);
      expect(await runPolicyCheck([file], output)).to.equal(0);
      expect(stdout).to.equal(
        `${file}: policy a is valid: 5 Warn, 8 Default\n${file}: policy b is valid: 4 Warn, 8 Default, 1 Deny\n`,
      );
      expect(stderr).to.equal('');
    });
    it('prints a line for everything that is wrong, and ends with 1', async () => {
      const bad = write('bad.yaml', policy('a', '{rules: {sshd: {action: Wran}}, warnin: 1}'));
      expect(await runPolicyCheck([bad, write('good.yaml', policy('b'))], output)).to.equal(1);
      expect(stderr.split('\n')).to.deep.equal([
        `${bad}:4: spec.rules.sshd.action: "Wran" is not one of Default, Warn, Deny, Disabled; did you mean "Warn"?`,
        `${bad}:4: spec.warnin: unknown field; did you mean "warnings"?`,
        '',
      ]);
      expect(stdout).to.match(/good\.yaml: policy b is valid/);
    });
    it('ends with 2 for what cannot be read', async () => {
      const none = join(folder, 'none.yaml');
      expect(await runPolicyCheck([none, write('bad.yaml', 'a: 1\n')], output)).to.equal(2);
      expect(stderr).to.match(
        /^.*none\.yaml: there is no such file or folder\n.*bad\.yaml:1: kind: is required/,
      );
    });
    it('reads a folder', async () => {
      write('a.yaml', policy('a'));
      write('b.yaml', policy('b'));
      expect(await runPolicyCheck([folder], output)).to.equal(0);
      expect(stdout.split('\n')).to.have.length(3);
    });
  });

  describe('show', () => {
    for (const expected of BUILTIN_POLICIES) {
      it(`prints ${expected.name} as it is written`, async () => {
        expect(await runPolicyShow(expected.name, {}, output)).to.equal(0);
        expect(stdout).to.equal(BUILTIN_POLICY_TEXTS[expected.name]);
      });
      it(`prints ${expected.name} as JSON that loads to it`, async () => {
        expect(await runPolicyShow(expected.name, { output: 'json' }, output)).to.equal(0);
        expect(loadPolicies(stdout)).to.deep.equal([expected]);
      });
    }
    it('prints a document of a file, comments included, before a built-in one of the name', async () => {
      const text = `# mine\n${policy('default')}`;
      const policyFile = write('p.yaml', `${text}---\n# second\n${policy('second')}`);
      expect(await runPolicyShow('default', { policyFile }, output)).to.equal(0);
      expect(stdout).to.equal(text);
      stdout = '';
      expect(await runPolicyShow('second', { policyFile }, output)).to.equal(0);
      expect(stdout).to.equal(`# second\n${policy('second')}`);
      expect(await runPolicyShow('baseline', { policyFile }, output)).to.equal(0);
    });
    it('suggests a name, and ends with 2', async () => {
      expect(await runPolicyShow('restrictd', {}, output)).to.equal(2);
      expect(stderr).to.equal(
        'there is no policy "restrictd" among baseline, default, restricted; did you mean "restricted"?\n',
      );
    });
    it('ends with 2 where the file is wrong', async () => {
      expect(await runPolicyShow('default', { policyFile: write('p.yaml', 'a: 1\n') }, output)).to.equal(2);
      expect(stderr).to.match(/p\.yaml:1: kind: is required/);
    });
  });

  it('is a command with both, and sets the exit status', async () => {
    const before = process.exitCode;
    try {
      await policyCommand(output).parseAsync(['show', 'nope'], { from: 'user' });
      expect(process.exitCode).to.equal(2);
      await policyCommand(output).parseAsync(['check', write('p.yaml', policy('a'))], { from: 'user' });
      expect(process.exitCode).to.equal(0);
    } finally {
      process.exitCode = before;
    }
  });
});
