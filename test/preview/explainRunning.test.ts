import { expect } from 'chai';
import { holds, runningValue } from '../../src/preview/explainRunning.js';

describe('holds: a value of the cluster’s beside the one that hardening writes', () => {
  const CASES: readonly (readonly [what: string, running: unknown, after: unknown, same: boolean])[] = [
    ['the same', true, true, true],
    ['another', false, true, false],
    ['unset', undefined, true, false],
    ['taken out, and not there', undefined, null, true],
    ['taken out, and there', 'x', undefined, false],
    ['false and unset are two things', undefined, false, false],
    ['a quantity as the API server writes it', '1', '1000m', true],
    ['a quantity that is another', '1', '100m', false],
    ['a word that is no quantity', 'RuntimeDefault', 'Localhost', false],
    [
      'an object with a default more',
      { name: 'a', emptyDir: { sizeLimit: '1Gi', medium: '' } },
      { name: 'a', emptyDir: { sizeLimit: '1Gi' } },
      true,
    ],
    ['an object with a field less', { name: 'a' }, { name: 'a', value: '0' }, false],
    ['a list in the same order', ['ALL'], ['ALL'], true],
    ['a list with more', ['ALL', 'CHOWN'], ['ALL'], false],
    ['an object for a list', { 0: 'ALL' }, ['ALL'], false],
  ];
  for (const [what, running, after, same] of CASES) {
    it(what, () => expect(holds(running, after)).to.equal(same));
  }
});

describe('runningValue: where a change stands in the cluster’s object', () => {
  const author = {
    spec: {
      containers: [{ name: 'web' }, { name: 'log', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data' }],
    },
  };
  const running = {
    spec: {
      containers: [
        { name: 'proxy', securityContext: { runAsUser: 1337 } },
        {
          name: 'log',
          securityContext: { runAsUser: 7 },
          volumeMounts: [
            { name: 'token', mountPath: '/token' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
        { name: 'web', securityContext: { runAsUser: 65532 } },
      ],
      volumes: [{ name: 'token' }, { name: 'data' }, { name: 'tmp', emptyDir: { sizeLimit: '2Gi' } }],
    },
  };
  const user = (index: number): unknown =>
    runningValue(author, running, ['spec', 'containers', index, 'securityContext', 'runAsUser'], 1);

  it('finds a container by its name, wherever it has moved', () => {
    expect([user(0), user(1)]).to.deep.equal([65532, 7]);
  });

  it('finds an item that is added: whole, else by its mount path or name', () => {
    const mounts = ['spec', 'containers', 1, 'volumeMounts', '-'];
    expect(runningValue(author, running, mounts, { name: 'tmp', mountPath: '/tmp' })).to.deep.equal({
      name: 'tmp',
      mountPath: '/tmp',
    });
    expect(runningValue(author, running, mounts, { name: 'other', mountPath: '/tmp' })).to.deep.equal({
      name: 'tmp',
      mountPath: '/tmp',
    });
    expect(runningValue(author, running, mounts, { name: 'run', mountPath: '/run' })).to.equal(undefined);
    const volume = { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } };
    expect(runningValue(author, running, ['spec', 'volumes', '-'], volume)).to.deep.equal(
      running.spec.volumes[2],
    );
  });

  it('has nothing where the way there ends', () => {
    expect(
      runningValue(author, running, ['spec', 'securityContext', 'sysctls', '-'], { name: 'a' }),
    ).to.equal(undefined);
    expect(
      runningValue(author, { spec: { containers: [] } }, ['spec', 'containers', 0, 'image'], 'x'),
    ).to.equal(undefined);
    expect(runningValue(author, undefined, ['spec'], 'x')).to.equal(undefined);
    expect(runningValue({}, {}, ['constructor'], 'x')).to.equal(undefined);
  });
});
