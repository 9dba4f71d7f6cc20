import { expect } from 'chai';
import { mergeProfile } from '../../src/learn/merge.js';
import type { ImageProfile } from '../../src/hardening/plan.js';

const IMAGE = { images: ['registry.example/web'] };

describe('mergeProfile', () => {
  const CASES: readonly [
    name: string,
    before: Partial<ImageProfile>,
    learned: Partial<ImageProfile>,
    after: Partial<ImageProfile>,
    replaced: readonly string[],
  ][] = [
    [
      'unites lists, what stood there first',
      { writablePaths: ['/run', '/tmp/a'], ports: [80] },
      { writablePaths: ['/var/cache', '/run'], ports: [443], needs: ['NET_BIND_SERVICE'] },
      { writablePaths: ['/run', '/tmp/a', '/var/cache'], ports: [80, 443], needs: ['NET_BIND_SERVICE'] },
      [],
    ],
    [
      'takes the learned uid, and says so',
      { runAsUser: 101 },
      { runAsUser: 999 },
      { runAsUser: 999 },
      ['runAsUser 101 gives way to 999'],
    ],
    [
      'drops the gid that came with another uid',
      { runAsUser: 101, runAsGroup: 5 },
      { runAsUser: 999 },
      { runAsUser: 999 },
      ['runAsUser 101 gives way to 999'],
    ],
    [
      'keeps the gid beside the same uid',
      { runAsUser: 101, runAsGroup: 5 },
      { runAsUser: 101 },
      { runAsUser: 101, runAsGroup: 5 },
      [],
    ],
    [
      'keeps a uid where none was learned',
      { runAsUser: 101, runAsGroup: 5 },
      { ports: [80] },
      { runAsUser: 101, runAsGroup: 5, ports: [80] },
      [],
    ],
    [
      'unites what is given back to root',
      { startsAsRoot: { capabilities: ['CHOWN'], volumeVariable: 'PGDATA' } },
      { startsAsRoot: { capabilities: ['SETUID', 'CHOWN'], volumes: ['/data'] } },
      { startsAsRoot: { capabilities: ['CHOWN', 'SETUID'], volumes: ['/data'], volumeVariable: 'PGDATA' } },
      [],
    ],
  ];
  for (const [name, before, learned, after, replaced] of CASES) {
    it(name, () => {
      const merged = mergeProfile({ ...IMAGE, ...before }, { ...IMAGE, ...learned });
      expect(merged).to.deep.equal({ profile: { ...IMAGE, ...after }, replaced });
    });
  }

  it('changes nothing the second time', () => {
    const learned = { ...IMAGE, runAsUser: 999, writablePaths: ['/run'], ports: [80] };
    const { profile } = mergeProfile({ ...IMAGE, runAsUser: 101, writablePaths: ['/tmp'] }, learned);
    expect(mergeProfile(profile, learned)).to.deep.equal({ profile, replaced: [] });
  });
});
