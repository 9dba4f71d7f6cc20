import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { completionAnswer } from '../../src/cli/completionAnswer.js';
import { VALUE_KEYS } from '../../src/cli/completionValues.js';
import { createProgram } from '../../src/cli/program.js';
import { RULE_IDS } from '../../src/hardening/rule.js';
import { temporaryFolder } from '../system/support/certificates.js';
import { builtCommand, runProgram } from './support/builtCommand.js';
import { typed } from './support/typed.js';

const NO_FILES = ':4';

/** The words that are offered, and the directive. */
async function answer(...words: string[]): Promise<string[]> {
  const text = await completionAnswer(words);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('completion: what is answered', () => {
  it('commands, each with its summary', async () => {
    const { commands } = await createProgram('kube-harden', []);
    expect(await answer('')).to.deep.equal([...commands.map((command) => command.name()), 'help', NO_FILES]);
    expect(await completionAnswer(['rul'])).to.equal('rules\tthe rule catalogue\n:4\n');
  });

  const CASES: Record<string, { words: string[]; offered: string[] }> = {
    'commands of a command': { words: ['policy', ''], offered: ['check', 'show', 'test', 'help', NO_FILES] },
    'what help can be about': { words: ['help', 'po'], offered: ['policy', NO_FILES] },
    'what help of a command can be about': { words: ['help', 'policy', 's'], offered: ['show', NO_FILES] },
    'flags by their first letters': { words: ['rules', '--o'], offered: ['--output', NO_FILES] },
    'a short flag that is whole': { words: ['rules', '-o'], offered: ['-o', NO_FILES] },
    'the choices of a flag': { words: ['rules', '-o', ''], offered: ['table', 'json', NO_FILES] },
    'the choices of a flag with =': {
      words: ['policy', 'show', 'default', '--output=y'],
      offered: ['yaml', NO_FILES],
    },
    'the choices of an argument': { words: ['completion', ''], offered: ['bash', 'zsh', 'fish', NO_FILES] },
    'rule ids': { words: ['rules', ''], offered: [...RULE_IDS, NO_FILES] },
    'rule ids after another argument': {
      words: ['explain', 'pod.yaml', 'readO'],
      offered: ['readOnlyRootFilesystem', NO_FILES],
    },
    'built-in policies': {
      words: ['policy', 'show', ''],
      offered: ['baseline', 'default', 'restricted', NO_FILES],
    },
    'built-in policies of a flag': { words: ['fix', '--policy', 'r'], offered: ['restricted', NO_FILES] },
    'labels that switch a rule off': {
      words: ['preview', '--label', 'kube-harden.io/runAsU'],
      offered: ['kube-harden.io/runAsUser=disabled', NO_FILES],
    },
    'the choices that serve checks itself': {
      words: ['serve', '--log-level', 'w'],
      offered: ['warn', NO_FILES],
    },
    'manifests after -f, by their endings': {
      words: ['preview', '-f', ''],
      offered: ['yaml', 'yml', 'json', ':8'],
    },
    'folders alone': { words: ['certs', '--dir', ''], offered: [':16'] },
    'any file': { words: ['network-policy', '--kubeconfig', ''], offered: [':0'] },
    'no file where a name stands': { words: ['preview', '-n', ''], offered: [NO_FILES] },
    'flags where no word can stand': { words: ['completion', 'zsh', ''], offered: ['--help', NO_FILES] },
    'nothing where neither can stand': { words: ['completion', 'zsh', '--', ''], offered: [NO_FILES] },
    'a value stands where a flag waits for it': {
      words: ['rules', '--output', 'json', 'readO'],
      offered: ['readOnlyRootFilesystem', NO_FILES],
    },
    'no flag after --': { words: ['rules', '--', '-'], offered: [NO_FILES] },
    'nothing of a command that is not there': { words: ['nonsense', ''], offered: [NO_FILES] },
    'nothing of a flag that is not there': { words: ['rules', '--nonsense='], offered: [NO_FILES] },
    'several values of one flag': {
      words: ['certs', '--host', 'a', 'b', '--da'],
      offered: ['--days', NO_FILES],
    },
  };
  for (const [name, { words, offered }] of Object.entries(CASES)) {
    it(`${name}: ${words.join(' ')}`, async () => expect(await answer(...words)).to.deep.equal(offered));
  }

  it('every flag of every command', async () => {
    for (const [names, command] of await everyCommand()) {
      const flags = command
        .createHelp()
        .visibleOptions(command)
        .map(({ long, short }) => long ?? short);
      expect(await answer(...names, '-'), names.join(' ')).to.deep.equal([...flags, NO_FILES]);
    }
  });

  it('values are named for no place that is gone', async () => {
    const places = new Set<string>();
    for (const [names, command] of await everyCommand()) {
      for (const { long } of command.options) places.add(long ?? '');
      for (const argument of command.registeredArguments) places.add([...names, argument.name()].join(' '));
    }
    expect(VALUE_KEYS.filter((key) => !places.has(key))).to.deep.equal([]);
  });
});

/** Every command with the words that call it; those that only hold others have no place of their own. */
async function everyCommand(): Promise<[string[], Command][]> {
  const { commands } = await createProgram('kube-harden', []);
  const found: [string[], Command][] = [];
  const collect = (names: string[], command: Command): void => {
    found.push([names, command]);
    for (const inner of command.commands) collect([...names, inner.name()], inner);
  };
  for (const name of commands.map((command) => command.name())) {
    const loaded = (await createProgram('kube-harden', [name])).commands.find(
      (command) => command.name() === name,
    );
    if (loaded) collect([name], loaded);
  }
  return found;
}

describe('completion: in the shells', function () {
  this.timeout(60_000);
  let folder = '';
  let path = '';

  before(async () => {
    folder = temporaryFolder();
    path = `${await builtCommand()}:${process.env['PATH'] ?? ''}`;
    mkdirSync(join(folder, 'apps'));
    for (const file of ['web.yaml', 'web.txt', 'with space.yml']) writeFileSync(join(folder, file), '');
  });

  /** Shells that are not installed are skipped, but never in CI. */
  function needs(test: Mocha.Context, program: string): void {
    if (spawnSync(program, ['--version']).error === undefined) return;
    if (process.env['CI'] === 'true') throw new Error(`${program} is not installed`);
    test.skip();
  }

  /** What Tab offers for a line. */
  const SHELLS: Record<string, (line: string) => Promise<string[]>> = {
    async bash(line) {
      // As bash splits it (COMP_WORDBREAKS), the last word at the cursor.
      const words = line.split(/\s+|(?==)|(?<==)/);
      const script = `source <(kube-harden completion bash)
COMP_LINE=${quoted(line)} COMP_POINT=${line.length} COMP_WORDS=(${words.map(quoted).join(' ')}) COMP_CWORD=${words.length - 1}
_kube_harden; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return offered(await runProgram('bash', ['--norc', '-c', script], { cwd: folder }));
    },
    async fish(line) {
      const script = `kube-harden completion fish | source; complete -C ${quoted(line)}`;
      return offered(
        await runProgram('fish', ['--no-config', '-c', script], { cwd: folder, env: { HOME: folder } }),
      );
    },
  };
  const quoted = (text: string): string => `'${text}'`;
  const offered = ({ stdout, stderr }: { stdout: string; stderr: string }): string[] => {
    expect(stderr).to.equal('');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t')[0] ?? '');
  };

  for (const [shell, complete] of Object.entries(SHELLS)) {
    const LINES: Record<string, string[]> = {
      'kube-harden pol': ['policy'],
      'kube-harden preview -o s': ['summary', 'sarif'],
      'kube-harden preview --output=s':
        shell === 'bash' ? ['summary', 'sarif'] : ['--output=summary', '--output=sarif'],
      'kube-harden policy show --outp': ['--output'],
      'kube-harden preview -f w': ['web.yaml', 'with space.yml'],
      'kube-harden certs --dir a': shell === 'bash' ? ['apps'] : ['apps/'],
      'kube-harden network-policy --kubeconfig web.t': ['web.txt'],
      'kube-harden network-policy -n w': [],
      'kubectl-harden rules readO': ['readOnlyRootFilesystem'],
    };
    for (const [line, wanted] of Object.entries(LINES)) {
      it(`${shell}: ${line}`, async function () {
        needs(this, shell);
        expect(await complete(line)).to.have.members(wanted);
      });
    }
  }

  const START: Record<string, { shell: string; setup: string[]; keys: (line: string) => string }> = {
    bash: {
      shell: 'bash --norc --noprofile -i',
      setup: ['source <(kube-harden completion bash)', "PS1='rea''dy>'"],
      keys: (line) => `${line}\nexit\n`,
    },
    zsh: {
      shell: 'zsh -f -i',
      setup: [
        'autoload -Uz compinit',
        'compinit -D',
        'source <(kube-harden completion zsh)',
        "PS1='rea''dy>'",
      ],
      keys: (line) => `${line}\nexit\n`,
    },
  };
  for (const [name, { shell, setup, keys }] of Object.entries(START)) {
    const TYPED: Record<string, { line: string; shows: RegExp }> = {
      'a command, and a policy': {
        line: 'kube-harden pol\tshow restr\t-o json',
        shows: /"name": "restricted"/,
      },
      'a value after =': { line: 'kube-harden rules procMount --output=js\t', shows: /"id": "procMount"/ },
      'a rule': { line: 'kube-harden rules readO\t', shows: /readOnlyRootFilesystem: / },
      'a file with a space in its name': {
        line: 'kube-harden policy check with\t',
        shows: /with space\.yml/,
      },
      'nothing that was typed is run': {
        line: 'kube-harden rules $(touch ran.txt) \t\x15ls',
        shows: /^(?![\s\S]*ran\.txt\s)/,
      },
    };
    for (const [what, { line, shows }] of Object.entries(TYPED)) {
      it(`${name}, at a terminal: ${what}`, async function () {
        needs(this, name);
        needs(this, 'script');
        const shown = await typed(shell, {
          setup,
          prompt: 'ready>',
          keys: keys(line),
          env: { PATH: path },
          cwd: folder,
        });
        expect(shown).to.match(shows);
      });
    }
  }

  it('kubectl asks kubectl_complete-harden', async function () {
    // That of the package, of Krew and of the end-to-end tests is asked there.
    if (spawnSync('kubectl', ['version', '--client']).error) this.skip();
    const ask = async (...words: string[]): Promise<string> =>
      (await runProgram('kubectl', ['__complete', 'harden', ...words], { cwd: folder })).stdout;
    expect(await ask('policy', 'show', 're')).to.equal('restricted\n:4\n');
    expect(await ask('preview', '--output=ya')).to.equal('yaml\n:4\n');
    expect(await ask('preview', '-f', '')).to.equal('yaml\nyml\njson\n:8\n');
  });

  it('answers in about 100 ms of processor time', async () => {
    const bin = await builtCommand();
    const measured = ['preview -o', 'policy show', 'serve --log-level'].map((words) => {
      const runs = [1, 2, 3].map(() => {
        const times = spawnSync(
          'bash',
          ['-c', `TIMEFORMAT='%U %S %R'; time ${bin}/kube-harden __complete ${words} ''`],
          {
            encoding: 'utf8',
          },
        ).stderr;
        const [user = 0, system = 0, wall = 0] = (times.trim().split('\n').at(-1) ?? '')
          .split(' ')
          .map(Number);
        return { cpu: Math.round((user + system) * 1000), wall: Math.round(wall * 1000) };
      });
      return {
        words,
        cpu: Math.min(...runs.map(({ cpu }) => cpu)),
        wall: Math.min(...runs.map(({ wall }) => wall)),
      };
    });
    for (const { words, cpu, wall } of measured)
      console.log(`      ${words}: ${cpu} ms of processor time, ${wall} ms in all`);
    // On a machine with other work even processor time is twice what it is on an idle one.
    expect(Math.max(...measured.map(({ cpu }) => cpu))).to.be.lessThan(300);
  });
});
