import { expect } from 'chai';
import { parse } from 'yaml';
import type { ImageProfile } from '../../src/hardening/plan.js';
import { learnedText, type Learned } from '../../src/cli/learnText.js';
import { inOrder, profileOf } from '../../src/learn/fields.js';
import type { LearnedField, LearnedProfile } from '../../src/learn/observation.js';
import { byImage, united } from '../../src/learn/united.js';

const IMAGE = 'registry.example/shop/app';

type Values = Readonly<Partial<Record<LearnedField['field'], readonly (string | number)[]>>>;

function learnedOf(container: string, values: Values, given: Partial<LearnedProfile> = {}): Learned {
  const fields = inOrder(
    Object.entries({ images: [IMAGE], ...values }).map(([field, all]) => ({
      field: field as LearnedField['field'],
      values: all.map((value) => ({ value, because: `${container} has it` })),
      notes: [],
    })),
  );
  return {
    profile: profileOf(fields),
    fields,
    warnings: [],
    ways: ['It was looked at by exec.'],
    missing: [],
    ...given,
    container,
    image: `${IMAGE}:1`,
    looks: [],
  };
}

describe('what was learned of containers of one image', () => {
  const CASES: readonly [what: string, first: Values, second: Values, both: Partial<ImageProfile>][] = [
    [
      'lists are united',
      { writablePaths: ['/run'], ports: [80], needs: ['writableRoot'] },
      { writablePaths: ['/var/spool', '/run'], dataPaths: ['/data'] },
      {
        writablePaths: ['/run', '/var/spool'],
        dataPaths: ['/data'],
        ports: [80],
        needs: ['writableRoot'],
      },
    ],
    ['the larger sizeLimit counts', { sizeLimit: ['512Mi'] }, { sizeLimit: ['2Gi'] }, { sizeLimit: '2Gi' }],
    [
      'what root needs back is united',
      { 'startsAsRoot.capabilities': ['CHOWN'] },
      { 'startsAsRoot.capabilities': ['SETUID'], 'startsAsRoot.volumes': ['/data'] },
      { startsAsRoot: { capabilities: ['CHOWN', 'SETUID'], volumes: ['/data'] } },
    ],
    ['one user is one', { runAsUser: [101] }, { runAsUser: [101] }, { runAsUser: 101 }],
    [
      'a user that one of them has',
      {},
      { runAsUser: [101], runAsGroup: [5] },
      { runAsUser: 101, runAsGroup: 5 },
    ],
    [
      'the first user counts, without the other’s group',
      { runAsUser: [101] },
      { runAsUser: [999], runAsGroup: [5] },
      { runAsUser: 101 },
    ],
  ];
  for (const [what, first, second, both] of CASES)
    it(what, () => {
      const { profile } = united([learnedOf('web', first), learnedOf('worker', second)]);
      expect(profile).to.deep.equal({ images: [IMAGE], ...both });
    });

  it('warns of another user, and tells everything else once', () => {
    const given = { warnings: ['careful'], missing: ['its files'] };
    const both = united([
      learnedOf('web', { runAsUser: [101] }, given),
      learnedOf('worker', { runAsUser: [999] }, given),
    ]);
    expect([both.warnings[0], both.warnings.length]).to.deep.equal(['careful', 2]);
    expect(both.warnings[1]).to.match(/^Containers of this image run as different users \(101, 999\)/);
    expect([both.ways, both.missing]).to.deep.equal([['It was looked at by exec.'], ['its files']]);
  });

  it('warns where only one of them has a user, and tells of that one alone', () => {
    const fields = [{ field: 'runAsUser', values: [], notes: ['not known.'] }] as const;
    const root = { ...learnedOf('web', {}), fields: [...learnedOf('web', {}).fields, ...fields] };
    const both = united([root, learnedOf('worker', { runAsUser: [101] })]);
    expect(both.profile.runAsUser).to.equal(101);
    expect(both.warnings).to.have.length(1);
    expect(both.warnings[0]).to.match(/^Of a container of this image no user could be told/);
    expect(both.fields.flatMap(({ notes }) => notes)).to.deep.equal([]);
  });

  it('is printed as one entry, with the evidence of both; another image has its own', async () => {
    const other = learnedOf('db', { images: ['docker.io/library/postgres'], runAsUser: [999] });
    const all = [
      learnedOf('web', { writablePaths: ['/run'] }),
      other,
      learnedOf('worker', { writablePaths: ['/var/spool'] }),
    ];
    expect(byImage(all).map((each) => each.map(({ container }) => container))).to.deep.equal([
      ['web', 'worker'],
      ['db'],
    ]);
    const text = await learnedText(all, undefined, 'yaml');
    expect(parse(text)).to.deep.equal([
      { images: [IMAGE], writablePaths: ['/run', '/var/spool'] },
      { images: ['docker.io/library/postgres'], runAsUser: 999 },
    ]);
    expect(text).to.include('/run # web has it\n').and.to.include('/var/spool # worker has it\n');
  });
});
