import { expect } from 'chai';
import type { ApiClient, ApiMethod, ApiObject, ApiRequest } from '../../src/cluster/apiClient.js';
import { ApiError } from '../../src/cluster/apiError.js';
import { UnreachableError } from '../../src/cluster/unreachableError.js';
import type { Certainty, Diagnosis } from '../../src/doctor/finding.js';
import type { CopyPod } from '../../src/learn/verifyCopy.js';
import { verify, type VerifyOptions } from '../../src/learn/verifyRun.js';
import { copyState } from '../../src/learn/verifyState.js';

const NAME = 'web-learn-x7k2p';
const COPY: CopyPod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: NAME }, spec: { containers: [] } };

function statusOf(ready: boolean, container: object = {}): object {
  return {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ name: 'app', restartCount: 0, state: { running: {} }, ...container }],
  };
}
const STARTING = statusOf(false);
const READY = statusOf(true);
const CRASHING = statusOf(false, { state: { waiting: { reason: 'CrashLoopBackOff' } } });

/** An API server with one pod, whose status is another at each look; the last one stays. */
class OnePod implements ApiClient {
  readonly asked: string[] = [];
  isThere = false;
  annotations: Record<string, string> = {};

  constructor(
    private readonly statuses: readonly object[],
    private readonly fails: Partial<Record<ApiMethod, Error>> = {},
  ) {}

  request(method: ApiMethod, path: string, { body }: ApiRequest = {}): Promise<ApiObject> {
    this.asked.push(`${method} ${path}${method === 'DELETE' ? ` ${JSON.stringify(body)}` : ''}`);
    const failure = this.fails[method];
    if (method === 'POST') this.isThere = !(failure instanceof ApiError) || failure.status >= 500;
    if (failure) return Promise.reject(failure);
    if (!this.isThere) return Promise.reject(new ApiError(404, `pods "${NAME}" not found`, 'NotFound'));
    if (method === 'DELETE') this.isThere = false;
    const looks = this.asked.filter((each) => each.startsWith('GET')).length;
    const status = this.statuses[Math.min(looks, this.statuses.length - 1)];
    return Promise.resolve({ metadata: { name: NAME, annotations: this.annotations }, status });
  }
}

function diagnosisOf(certainty?: Certainty): Diagnosis {
  const finding = { signature: 's', rule: 'runAsUser' as const, cause: 'c', evidence: [], remedies: [] };
  return {
    namespace: 'shop',
    object: `pod/${NAME}`,
    state: 'healthy',
    findings: certainty === undefined ? [] : [{ ...finding, certainty }],
    missing: [],
  };
}

function optionsOf(api: ApiClient, given: Partial<VerifyOptions> = {}): VerifyOptions & { warned: string[] } {
  const warned: string[] = [];
  return {
    api,
    namespace: 'shop',
    pod: COPY,
    timeoutMs: 200,
    everyMs: 1,
    settleMs: 5,
    signal: new AbortController().signal,
    diagnose: () => Promise.resolve(diagnosisOf()),
    progress: () => undefined,
    warn: (line) => void warned.push(line),
    warned,
    ...given,
  };
}

describe('verify', () => {
  const ENDS: readonly [what: string, statuses: readonly object[], passed: boolean, outcome: RegExp][] = [
    ['becomes ready and stays so', [STARTING, STARTING, READY], true, /^it became ready and stayed so$/],
    [
      'becomes ready after restarts',
      [STARTING, statusOf(false, { restartCount: 1 }), statusOf(true, { restartCount: 1 })],
      true,
      /^it became ready, after 1 restart$/,
    ],
    ['ends well', [STARTING, { phase: 'Succeeded' }], true, /^it ran to its end without an error$/],
    ['crashes', [STARTING, CRASHING], false, /^container "app" is in CrashLoopBackOff$/],
    [
      'starts again and again',
      [statusOf(false, { restartCount: 3 })],
      false,
      /^container "app" was started 4 times$/,
    ],
    ['never becomes ready', [STARTING], false, /^it was not ready within 0 s$/],
    [
      'is refused by the kubelet',
      [{ phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource: cpu' }],
      false,
      /^OutOfcpu: Node did not have enough resource: cpu$/,
    ],
  ];
  for (const [what, statuses, passed, outcome] of ENDS) {
    it(`${passed ? 'passes' : 'does not pass'} a copy that ${what}, and removes it`, async () => {
      const api = new OnePod(statuses);
      const options = optionsOf(api);
      const verification = await verify(options);
      expect(verification).to.include({ namespace: 'shop', pod: NAME, passed });
      expect(verification.outcome).to.match(outcome);
      expect(api.isThere).to.equal(false);
      expect(options.warned).to.deep.equal([]);
    });
  }

  it('does not pass one that was ready for a moment', async () => {
    const { passed } = await verify(optionsOf(new OnePod([READY, READY, CRASHING]), { settleMs: 50 }));
    expect(passed).to.equal(false);
  });

  const BLAMED: readonly [certainty: Certainty, passed: boolean][] = [
    ['certain', false],
    ['likely', false],
    ['possible', true],
  ];
  for (const [certainty, passed] of BLAMED) {
    it(`${passed ? 'passes' : 'does not pass'} one that is ready, where a rule is blamed as ${certainty}`, async () => {
      const diagnose = (): Promise<Diagnosis> => Promise.resolve(diagnosisOf(certainty));
      expect((await verify(optionsOf(new OnePod([READY]), { diagnose }))).passed).to.equal(passed);
    });
  }

  it('ends and removes it when it is interrupted', async () => {
    const controller = new AbortController();
    const api = new OnePod([STARTING]);
    const running = verify(optionsOf(api, { signal: controller.signal, everyMs: 60_000, timeoutMs: 60_000 }));
    setTimeout(() => {
      controller.abort();
    }, 20);
    expect((await running).outcome).to.include('interrupted');
    expect(api.isThere).to.equal(false);
  });

  it('removes it also where it cannot be looked at', async () => {
    const lost = new UnreachableError('no answer');
    const api = new OnePod([STARTING], { GET: lost });
    const options = optionsOf(api);
    expect(await verify(options).catch((error: unknown) => error)).to.equal(lost);
    expect(api.isThere).to.equal(false);
  });

  it('removes it also where it cannot be diagnosed', async () => {
    const api = new OnePod([READY]);
    const broken = new Error('a bug');
    const diagnose = (): Promise<Diagnosis> => Promise.reject(broken);
    expect(await verify(optionsOf(api, { diagnose })).catch((error: unknown) => error)).to.equal(broken);
    expect(api.isThere).to.equal(false);
  });

  it('removes what may have been created where no answer came', async () => {
    const api = new OnePod([STARTING], { POST: new UnreachableError('no answer within 10000 ms') });
    expect(await verify(optionsOf(api)).catch((error: unknown) => error)).to.be.instanceOf(UnreachableError);
    expect(api.isThere).to.equal(false);
  });

  it('removes what may have been created where the server failed', async () => {
    const late = new ApiError(504, 'etcdserver: request timed out', 'Timeout');
    const api = new OnePod([STARTING], { POST: late });
    expect(await verify(optionsOf(api)).catch((error: unknown) => error)).to.equal(late);
    expect(api.isThere).to.equal(false);
  });

  it('removes nothing where it was refused', async () => {
    const api = new OnePod([STARTING], { POST: new ApiError(403, 'no', 'Forbidden') });
    expect(await verify(optionsOf(api)).catch((error: unknown) => error)).to.be.instanceOf(ApiError);
    expect(api.asked).to.deep.equal(['POST /api/v1/namespaces/shop/pods']);
  });

  it('says where it cannot be removed', async () => {
    const options = optionsOf(
      new OnePod([READY], { DELETE: new ApiError(403, 'cannot delete', 'Forbidden') }),
    );
    await verify(options);
    expect(options.warned).to.deep.equal([
      `pod ${NAME} could not be removed (cannot delete); do it by kubectl delete pod ${NAME} -n shop`,
    ]);
  });

  it('tells somebody else who removed it, and waits no longer than its own grace period', async () => {
    const api = new OnePod([STARTING]);
    const running = verify(optionsOf(api, { pod: { ...COPY, spec: { terminationGracePeriodSeconds: 5 } } }));
    api.isThere = false;
    expect((await running).outcome).to.equal('somebody else removed the copy before it was ready');
    expect(api.asked.at(-1)).to.include('DELETE').and.include('{"gracePeriodSeconds":5}');
  });

  it('tells what the webhook changed', async () => {
    const api = new OnePod([READY]);
    api.annotations = { 'kube-harden.io/changed': 'runAsUser, capabilities' };
    expect((await verify(optionsOf(api))).changedByWebhook).to.deep.equal(['runAsUser', 'capabilities']);
  });
});

describe('copyState', () => {
  it('takes any status for one of a pod that starts', () => {
    for (const status of [undefined, null, {}, [], { conditions: 'x', containerStatuses: [null, 3] }])
      expect(copyState({ status })).to.deep.equal({ kind: 'starting' });
  });
});
