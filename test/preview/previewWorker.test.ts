import { expect } from 'chai';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { PlanUnavailableError } from '../../src/policy/planUnavailableError.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { authorizeAll } from '../../src/preview/access.js';
import { ANSWER_MEDIA_TYPES, answerPreview, type PreviewQuestion } from '../../src/preview/answer.js';
import type { PreviewChoices } from '../../src/preview/choices.js';
import { PreviewWorker, type WorkerHost, type WorkerLimits } from '../../src/preview/previewWorker.js';
import { ProblemError } from '../../src/preview/problem.js';
import { warmUpQuestions } from '../../src/preview/warmUp.js';
import { manyManifests } from './support/manyManifests.js';

const THREAD = new URL('./support/previewThread.js', import.meta.url);
const SMALL = manyManifests('documents', 20_000);
const LARGE = manyManifests('documents', 400_000);

describe('PreviewWorker', function () {
  this.timeout(60_000);
  const plans = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
  const host: WorkerHost = {
    authorize: authorizeAll,
    podSecurityMinor: () => Promise.resolve(undefined),
    inputsWith: (given) => plans.inputsWith(given),
  };
  const gone = new AbortController().signal;
  let worker: PreviewWorker;
  let ends: string[];
  const start = (limits: Partial<WorkerLimits> = {}): PreviewWorker =>
    (worker = new PreviewWorker(THREAD, limits, (why) => ends.push(why)));
  const question = (text: string, more: Partial<PreviewQuestion> = {}): PreviewQuestion => ({
    bytes: new Uint8Array(Buffer.from(text)),
    choices: {},
    mediaType: 'application/json',
    ...more,
  });
  const ask = (text: string, more: Partial<WorkerHost> = {}) =>
    worker.answer(question(text), { ...host, ...more }, gone);
  const problemOf = async (answer: Promise<unknown>): Promise<[number, string]> => {
    const error = await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof ProblemError)) throw new Error('no problem', { cause: error });
    return [error.problem.status, error.problem.detail];
  };
  const works = async (): Promise<void> => {
    await ask(SMALL);
  };

  beforeEach(() => (ends = []));
  afterEach(() => worker.close());

  for (const mediaType of ANSWER_MEDIA_TYPES) {
    it(`answers ${mediaType} as the same thread does, one question after the other`, async () => {
      start();
      const choices: PreviewChoices = {
        policy: 'restricted',
        mode: 'audit',
        labels: { 'kube-harden.io/sshd': 'warn' },
      };
      const asked: Partial<PreviewQuestion> = { mediaType, choices };
      const here = { ...host, planWith: plans.planWith.bind(plans) };
      const expected = await answerPreview(question(SMALL, asked), here);
      const answers = await Promise.all([0, 1].map(() => worker.answer(question(SMALL, asked), host, gone)));
      for (const { contentType, body } of answers) {
        expect(contentType).to.equal(expected.contentType);
        expect(Buffer.from(body).toString()).to.equal(expected.body);
      }
    });
  }

  it('sends the policies anew when they have changed, and not before', async () => {
    start();
    const own = new StandalonePlans({ policies: BUILTIN_POLICIES, clock: Date.now });
    const outcome = async (): Promise<unknown> => {
      const { body } = await ask(SMALL, { inputsWith: (given) => own.inputsWith(given) });
      const { results } = JSON.parse(Buffer.from(body).toString()) as { results: { changes: unknown[] }[] };
      return results[0]?.changes.length;
    };
    const before = await outcome();
    expect(await outcome()).to.equal(before);
    const baseline = BUILTIN_POLICIES.find(({ name }) => name === 'baseline');
    if (!baseline) throw new Error('no baseline');
    own.replacePolicies([{ ...baseline, name: 'default' }]);
    expect(await outcome()).to.be.below(Number(before));
  });

  it('tells what is wrong with the manifests, with their lines', async () => {
    start();
    const error = await ask(`${SMALL}---\nkind: Pod\n`).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ProblemError);
    const { status, title, errors } = (error as ProblemError).problem;
    expect([status, title]).to.deep.equal([400, 'The manifest cannot be read']);
    expect(errors?.[0]).to.include({ field: 'apiVersion', line: SMALL.split('\n').length + 1 });
  });

  it('fails with the very error of a right that is missing, and asks for no plan', async () => {
    start();
    const refusal = new ProblemError(403, 'not there');
    const answer = ask(SMALL, {
      authorize: (namespace) => (namespace === 'team-1' ? Promise.reject(refusal) : Promise.resolve()),
      inputsWith: () => expect.fail('a plan was asked for'),
    });
    expect(await answer.catch((reason: unknown) => reason)).to.equal(refusal);
    await works();
  });

  it('answers namespaces that do not exist with 404, those that cannot be looked up with 503', async () => {
    start();
    const missing = (notFound: boolean) => () => {
      throw new PlanUnavailableError('nothing known of it', { notFound });
    };
    expect(await problemOf(ask(SMALL, { inputsWith: missing(true) }))).to.have.property('0', 404);
    expect(await problemOf(ask(SMALL, { inputsWith: missing(false) }))).to.deep.equal([
      503,
      'nothing known of it',
    ]);
    await works();
  });

  it('refuses what is beyond its queue with 503, and answers those in it', async () => {
    start({ waiting: 2 });
    const asked = Array.from({ length: 5 }, () => ask(SMALL).then(({ contentType }) => contentType, String));
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => answer.startsWith('application/json'))).to.have.length(3);
    expect(answers.filter((answer) => answer.includes('too many previews are waiting'))).to.have.length(2);
  });

  it('does not begin what nobody waits for', async () => {
    start();
    const left = new AbortController();
    const first = ask(SMALL);
    let asked = false;
    const inputsWith: WorkerHost['inputsWith'] = (given) => {
      asked = true;
      return host.inputsWith(given);
    };
    const second = problemOf(worker.answer(question(SMALL), { ...host, inputsWith }, left.signal));
    left.abort();
    await first;
    expect(await second).to.have.property('0', 503);
    expect(asked).to.equal(false);
  });

  it('keeps no place for those who have gone while they waited', async () => {
    start({ waiting: 2 });
    const left = new AbortController();
    const first = ask(LARGE);
    const leaving = [1, 2].map(() => problemOf(worker.answer(question(SMALL), host, left.signal)));
    expect(await problemOf(ask(SMALL)))
      .to.have.property('1')
      .that.contains('too many previews are waiting');
    left.abort();
    // At once, and not when the thread is free.
    for (const each of leaving) expect(await each).to.have.property('0', 503);
    const next = ask(SMALL);
    expect(await problemOf(worker.answer(question(SMALL), host, left.signal))).to.have.property('0', 503);
    expect((await first).contentType).to.contain('application/json');
    expect((await next).contentType).to.contain('application/json');
  });

  it('gives up what takes too much time with 413', async () => {
    start({ milliseconds: 50 });
    expect(await problemOf(ask(LARGE))).to.deep.equal([
      413,
      'the preview takes more than 0.05 seconds; send the manifests in parts',
    ]);
    expect(ends).to.deep.equal(['time']);
  });

  it('does not count the time in which it waits for what it has asked', async () => {
    start({ milliseconds: 6_000 });
    const slow: WorkerHost['podSecurityMinor'] = () =>
      new Promise((resolve) => setTimeout(() => resolve(undefined), 6_500));
    await ask(SMALL, { podSecurityMinor: slow });
    expect(ends).to.deep.equal([]);
  });

  it('gives up what has to ask for too long with 413, and answers the next', async () => {
    start({ askingMilliseconds: 50 });
    const slow: WorkerHost['podSecurityMinor'] = () =>
      new Promise((resolve) => setTimeout(() => resolve(undefined), 100));
    const [status, detail] = await problemOf(ask(SMALL, { podSecurityMinor: slow }));
    expect(status).to.equal(413);
    expect(detail).to.match(/more than 0.05 seconds of asking the cluster; send the manifests in parts/);
    expect(ends).to.deep.equal([]);
    await works();
  });

  it('asks nothing more for who has gone while it was made', async () => {
    start();
    const leaving = new AbortController();
    let asked = 0;
    const inputsWith: WorkerHost['inputsWith'] = (given) => {
      asked += 1;
      if (asked === 3) leaving.abort();
      return host.inputsWith(given);
    };
    const text = Array.from(
      { length: 20 },
      (_, at) =>
        `apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n${at}}\nspec: {containers: []}\n`,
    ).join('---\n');
    const [status] = await problemOf(worker.answer(question(text), { ...host, inputsWith }, leaving.signal));
    expect([status, asked]).to.deep.equal([503, 3]);
    await works();
  });

  it('gives up what takes too much memory with 413, and answers the next', async () => {
    start({ megabytes: 32 });
    const [status, detail] = await problemOf(
      ask(LARGE.repeat(2).replaceAll('\napiVersion', '\n---\napiVersion')),
    );
    expect(status).to.equal(413);
    expect(detail).to.match(/more than 32 MB of memory; send the manifests in parts/);
    expect(ends).to.deep.equal(['memory']);
    await works();
  });

  it('ends its thread when it is idle, and starts another', async () => {
    start({ idleMilliseconds: 20 });
    await works();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await works();
    expect(ends).to.deep.equal([]);
  });

  describe('warmed', () => {
    /** How many of its questions have come to their plans. */
    const warm = (): (() => number) => {
      let begun = 0;
      const inputsWith: WorkerHost['inputsWith'] = (given) => {
        begun++;
        return plans.inputsWith(given);
      };
      worker.warm(warmUpQuestions, { ...host, inputsWith });
      return () => begun;
    };

    it('answers questions for nobody, all of which it can read', async () => {
      for (const asked of warmUpQuestions())
        await answerPreview(asked, { ...host, planWith: plans.planWith.bind(plans) });
      start();
      const begun = warm();
      await works();
      while (begun() < warmUpQuestions().length) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(ends).to.deep.equal([]);
    });

    it('lets a question that somebody waits for go before', async () => {
      start();
      const begun = warm();
      await works();
      expect(begun()).to.be.below(warmUpQuestions().length);
    });

    it('leaves the rest where somebody asks a large one, which warms as much', async () => {
      start();
      const begun = warm();
      await ask(manyManifests('documents', 120_000));
      const until = begun();
      await works();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(begun()).to.equal(until).and.to.be.below(warmUpQuestions().length);
    });

    it('does nothing where it has been at work', async () => {
      start();
      await works();
      const begun = warm();
      await works();
      expect(begun()).to.equal(0);
    });

    it('forgets the rest when it is closed', async () => {
      start();
      const begun = warm();
      worker.close();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(begun()).to.equal(0);
    });
  });
});
