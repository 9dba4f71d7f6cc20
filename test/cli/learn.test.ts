import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '../../src/cli/commandError.js';
import { learnCommand, type LearnFlags } from '../../src/cli/learn.js';
import { ProgressLine } from '../../src/cli/progressLine.js';
import { learnRequest } from '../../src/cli/learnRequest.js';
import { watchContainers, type Look, type WatchOptions } from '../../src/cli/learnWatch.js';
import type { LearnContainer } from '../../src/learn/target.js';
import { ObserveError } from '../../src/learn/observeError.js';
import { observationOf } from '../learn/support/observations.js';

describe('learn: what is asked for', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kube-harden-learn-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function refusal(target: string, flags: LearnFlags): Promise<string> {
    try {
      await learnRequest(target, flags);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      expect(error.exitCode).to.equal(2);
      return error.lines.join('\n');
    }
    throw new Error('it was accepted');
  }

  it('is a pod unless it names a kind', async () => {
    expect((await learnRequest('web-0', {})).target).to.include({ name: 'web-0' });
    expect((await learnRequest('web-0', {})).target.workload.kind).to.equal('Pod');
    expect((await learnRequest('deploy/web', {})).target.workload.kind).to.equal('Deployment');
    expect(await learnRequest('web-0', {})).to.include({ watchMs: 0, output: 'yaml' });
    expect((await learnRequest('web-0', { watch: '10m' })).watchMs).to.equal(600_000);
    expect((await learnRequest('web-0', { verify: true, verifyTimeout: '90s' })).verify).to.deep.equal({
      yes: false,
      timeoutMs: 90_000,
    });
  });

  const WRONG: readonly [target: string, flags: LearnFlags, said: RegExp][] = [
    ['servce/web', {}, /servce\/web: "servce" is no kind of workload/],
    ['podtemplate/web', {}, /PodTemplate/],
    ['web_0', {}, /"web_0" is not an object's name/],
    ['web', { namespace: 'No' }, /^--namespace: /],
    ['web', { watch: 'long' }, /^--watch: "long" is no duration/],
    ['web', { watch: '0' }, /^--watch: "0" is no duration/],
    ['web', { watch: '25h' }, /^--watch: 25h is more than 24h/],
    ['web', { verify: true, verifyTimeout: '-1s' }, /^--verify-timeout: "-1s" is no duration/],
    ['web', { write: true }, /^--write needs --policy/],
    ['web', { yes: true }, /^--yes is for --verify/],
    ['web', { verifyTimeout: '1m' }, /^--verify-timeout is for --verify/],
    [
      'web',
      { policy: '/nowhere/policy.yaml' },
      /there is no such file or folder; make one: kube-harden policy show/,
    ],
  ];
  for (const [target, flags, said] of WRONG) {
    it(`is refused: learn ${target} ${JSON.stringify(flags)}`, async () => {
      expect(await refusal(target, flags)).to.match(said);
    });
  }

  it('is refused where the policy file is none, before anything is looked at', async () => {
    const file = join(folder, 'pod.yaml');
    writeFileSync(file, 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n');
    expect(await refusal('web', { policy: file })).to.match(/^--policy: .*pod\.yaml:2: kind: "Pod" is not/);
    expect(await refusal('web', { policy: folder })).to.match(/^--policy: /);
  });

  it('is told all that is wrong at once', async () => {
    expect((await refusal('a/b/c', { write: true, yes: true, watch: 'x' })).split('\n')).to.have.length(4);
  });

  it('is told of in --help, with examples', () => {
    let help = '';
    learnCommand()
      .configureOutput({ writeOut: (text) => void (help += text) })
      .outputHelp();
    for (const word of ['--watch', '--debug-image', '--verify', '--yes', 'kube-harden learn deploy/web'])
      expect(help).to.include(word);
  });
});

function containerOf(name: string): LearnContainer {
  const container = { name, image: 'registry.example/web:1' };
  return {
    pod: { metadata: { name: 'web-0', namespace: 'shop' }, spec: { containers: [container] } },
    container,
  };
}

describe('watchContainers', () => {
  const seen: Look = (_, { container }) => Promise.resolve(observationOf({ container }));

  function optionsOf(look: Look, given: Partial<WatchOptions> = {}): WatchOptions {
    return {
      connection: undefined as never,
      look,
      watchMs: 0,
      debugImage: undefined,
      signal: new AbortController().signal,
      progress: () => undefined,
      ...given,
    };
  }

  it('looks at each once', async () => {
    const { observations, told } = await watchContainers(
      [containerOf('a'), containerOf('b')],
      optionsOf(seen),
    );
    expect(observations.map((each) => each.map(({ container }) => container))).to.deep.equal([['a'], ['b']]);
    expect(told).to.deep.equal([]);
  });

  it('looks again at the end', async () => {
    const { observations } = await watchContainers([containerOf('a')], optionsOf(seen, { watchMs: 100 }));
    expect(observations[0]).to.have.length(2);
  });

  it('ends with what was seen when it is interrupted', async () => {
    const controller = new AbortController();
    const look: Look = (...given) => {
      setTimeout(() => {
        controller.abort();
      }, 20);
      return seen(...given);
    };
    const options = optionsOf(look, { watchMs: 3_600_000, signal: controller.signal });
    const { observations } = await watchContainers([containerOf('a')], options);
    expect(observations[0]).to.have.length(1);
  });

  it('goes on where one cannot be looked at, and says so once', async () => {
    const look: Look = (connection, target, options) =>
      target.container === 'a'
        ? Promise.reject(new ObserveError('container "a" of pod web-0 has no shell'))
        : seen(connection, target, options);
    const containers = [containerOf('a'), containerOf('b')];
    const { observations, told } = await watchContainers(containers, optionsOf(look, { watchMs: 50 }));
    expect(observations.map(({ length }) => length)).to.deep.equal([0, 2]);
    expect(told).to.deep.equal(['container "a" of pod web-0 has no shell']);
  });

  it('hides no bug', async () => {
    const look: Look = () => Promise.reject(new TypeError('a bug'));
    const found = await watchContainers([containerOf('a')], optionsOf(look)).catch((error: unknown) => error);
    expect(found).to.be.instanceOf(TypeError);
  });

  it('looks at four at a time', async () => {
    let [now, most] = [0, 0];
    const look: Look = async (...given) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now--;
      return seen(...given);
    };
    await watchContainers(
      Array.from({ length: 12 }, (_, index) => containerOf(`c${index}`)),
      optionsOf(look),
    );
    expect(most).to.equal(4);
  });
});

describe('ProgressLine', () => {
  it('writes over one line on a terminal, and nothing elsewhere', () => {
    let shown = '';
    const onTerminal = new ProgressLine({ showsProgress: true, stderr: (text) => void (shown += text) });
    onTerminal.show('a long line');
    onTerminal.show('short');
    onTerminal.clear();
    expect(shown).to.equal('\ra long line\rshort      \r     \r');
    const elsewhere = new ProgressLine({ showsProgress: false, stderr: () => expect.fail('written') });
    elsewhere.show('x');
    elsewhere.clear();
  });
});
