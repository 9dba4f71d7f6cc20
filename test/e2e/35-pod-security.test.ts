import { expect } from 'chai';
import { minorOf } from '../../src/cluster/apiServerVersion.js';
import { locatePod } from '../../src/hardening/locate.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { evaluatePodSecurity } from '../../src/podSecurity/evaluate.js';
import { parsePodSecurityMessage, predictedControls } from '../support/podSecurityWarnings.js';
import type { ApiClient, ApiReply } from './controlPlane/apiClient.js';
import { corpusSamples, dryRun, makeCorpusNamespace, type Sample } from './support/corpusSamples.js';
import { mutatingBuiltins } from './support/hardeningPolicies.js';
import { podOf } from './support/podRequests.js';
import { world } from './support/world.js';

const CONNECTIONS = 16;
const LEVELS = ['baseline', 'restricted'] as const;
type Refusing = (typeof LEVELS)[number];

const PSA = 'pod-security.kubernetes.io';

/** The last version of the standards before each change of a control; the next ones are those of an API server itself. */
const PINNED = [7, 18, 21, 22, 24, 26, 28, 30, 31, 33, 34];

/** What versions were the first to allow, where upstream's fixtures of v1.37 hold none of it: v1.27, 29, 31 and 32. */
const FIRST_ALLOWED: readonly Sample[] = [
  { sysctls: [{ name: 'net.ipv4.ip_local_reserved_ports', value: '8080' }] },
  { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout', value: '30' }] },
  { seLinuxOptions: { type: 'container_engine_t' } },
  { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '4096 131072 6291456' }] },
].map((securityContext, index) => {
  const id = `first-allowed-${index}`;
  return { id, kind: 'Pod', object: podOf(id, { securityContext }) };
});

/** What was sent, and the pod or template of it as the API server has it after all defaults and mutations. */
interface Seen {
  readonly sample: Sample;
  readonly pod: Pod;
  /** What Pod Security said in a warning, by level; undefined where it said nothing. */
  readonly warned: Readonly<Record<Refusing, readonly string[] | undefined>>;
}

/** Namespaces without us, and with: those of Mutate so that templates are judged hardened, too. */
const VARIANTS: readonly (readonly [title: string, policy: string | undefined])[] = [
  ['without us', undefined],
  ['under baseline', 'baseline-mutate'],
  ['under default', 'default-mutate'],
  ['under restricted', 'restricted-mutate'],
];

/*
 * What the preview says of a pod's Pod Security level is worth something only if the API server's own admission says the
 * same. It is asked by each way in which it speaks: a warning (of templates too) and a rejection (of Pods).
 */
describe('Pod Security as we predict it', function () {
  this.timeout(120_000);

  let client: ApiClient;
  /** Of the API server, and so of what `latest` means there. */
  let latest: number;

  before(async () => {
    const { body } = await world().controlPlane.api('GET', '/version');
    const minor = minorOf(body);
    if (minor === undefined) throw new Error(`no version: ${JSON.stringify(body)}`);
    latest = minor;
    client = await world().controlPlane.client({ maxSockets: CONNECTIONS });
    await mutatingBuiltins();
  });
  after(() => client.close());

  for (const [title, policy] of VARIANTS) {
    it(`is what the API server warns of, control by control, and refuses, ${title}`, async () => {
      const seen = await warnings(policy);
      const differing = seen.flatMap((one) => warningDiffers(one));
      const reached = { privileged: 0, baseline: 0, restricted: 0 };
      for (const { pod } of seen) reached[evaluatePodSecurity(pod, latest).level] += 1;
      const { refusals, compared } = await refusalsDiffer(seen, policy);
      console.log(
        `      ${title}: ${seen.length} objects (${JSON.stringify(reached)}), ${compared} rejections compared`,
      );
      expect(differing).to.deep.equal([]);
      expect(refusals).to.deep.equal([]);
      // Of objects that are valid there are some of each level, and hardening leaves enough to tell apart.
      expect(seen.length).to.be.above(corpusSamples().length * 0.9);
      expect(Math.min(reached.privileged, reached.baseline + reached.restricted)).to.be.above(20);
    });
  }

  for (const minor of PINNED) {
    it(`is what the API server warns of where a namespace pins v1.${minor}`, async () => {
      const namespace = await makeCorpusNamespace({
        [`${PSA}/warn`]: 'restricted',
        [`${PSA}/warn-version`]: `v1.${minor}`,
      });
      const fixtures = corpusSamples().filter(({ id }) => id.startsWith('psa/'));
      const compared = await Promise.all(
        [...fixtures, ...FIRST_ALLOWED].map(async ({ id, object }) => {
          const reply = await dryRun(client, object, namespace);
          const pod = reply.status === 201 ? locatePod(reply.body)?.pod : undefined;
          if (pod === undefined) return undefined;
          const [now, next] = [minor, minor + 1].map((by) => predictedControls(pod, 'restricted', by));
          return {
            differing: difference(id, now ?? [], said('restricted', reply) ?? []),
            changes: now?.join() !== next?.join(),
          };
        }),
      );
      const seen = compared.filter((one) => one !== undefined);
      const changed = seen.filter(({ changes }) => changes).length;
      console.log(`      v1.${minor}: ${seen.length} pods, ${changed} judged otherwise by v1.${minor + 1}`);
      expect(seen.flatMap(({ differing }) => differing)).to.deep.equal([]);
      expect(seen.length).to.be.above(fixtures.length * 0.9);
      expect(changed).to.be.above(0);
    });
  }

  async function warnings(policy: string | undefined): Promise<Seen[]> {
    const [baseline, restricted] = await Promise.all(
      LEVELS.map((level) => makeCorpusNamespace({ ...ours(policy), [`${PSA}/warn`]: level })),
    );
    const seen = await Promise.all(
      corpusSamples().map(async (sample): Promise<Seen | undefined> => {
        const replies = {
          baseline: await dryRun(client, sample.object, baseline ?? ''),
          restricted: await dryRun(client, sample.object, restricted ?? ''),
        };
        expect(replies.baseline.status, sample.id).to.equal(replies.restricted.status);
        const pod = locatePod(replies.restricted.body)?.pod;
        if (replies.restricted.status !== 201 || pod === undefined) return undefined;
        const warned = {
          baseline: said('baseline', replies.baseline),
          restricted: said('restricted', replies.restricted),
        };
        return { sample, pod, warned };
      }),
    );
    return seen.filter((one) => one !== undefined);
  }

  /** The same Pods where Pod Security refuses: what it names must be what it warned of. */
  async function refusalsDiffer(
    seen: readonly Seen[],
    policy: string | undefined,
  ): Promise<{ refusals: string[]; compared: number }> {
    const pods = seen.filter(({ sample }) => sample.kind === 'Pod');
    const found = await Promise.all(
      LEVELS.map(async (level) => {
        const namespace = await makeCorpusNamespace({ ...ours(policy), [`${PSA}/enforce`]: level });
        return Promise.all(
          pods.map(async ({ sample, pod }) => {
            const { status, body } = await dryRun(client, sample.object, namespace);
            const wanted = predictedControls(pod, level, latest);
            const message = status === 201 ? undefined : parsePodSecurityMessage(String(body.message));
            const got = status === 201 ? [] : (message?.controls ?? [`${status} ${String(body.message)}`]);
            return difference(`${sample.id} at ${level}`, wanted, got);
          }),
        );
      }),
    );
    return { refusals: found.flat(2), compared: pods.length * LEVELS.length };
  }

  /** Both levels' controls, and so the level reached. */
  function warningDiffers({ sample, pod, warned }: Seen): string[] {
    const { level } = evaluatePodSecurity(pod, latest);
    const judged = warned.baseline ? 'privileged' : warned.restricted ? 'baseline' : 'restricted';
    return [
      ...difference(`${sample.id}: level`, [level], [judged]),
      ...LEVELS.flatMap((refusing) =>
        difference(
          `${sample.id} at ${refusing}`,
          predictedControls(pod, refusing, latest),
          warned[refusing] ?? [],
        ),
      ),
    ];
  }
});

function ours(policy: string | undefined): Record<string, string> {
  return policy === undefined ? {} : { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy };
}

/** The controls of the warning of a namespace that warns at this level; undefined where there is none. */
function said(level: Refusing, { warnings }: ApiReply): readonly string[] | undefined {
  const messages = warnings.map(parsePodSecurityMessage).filter((message) => message !== undefined);
  expect(messages.length).to.be.at.most(1);
  const [message] = messages;
  if (message === undefined) return undefined;
  expect(message.level).to.equal(level);
  expect(message.complete, 'not cut by the API server').to.equal(true);
  return message.controls;
}

function difference(what: string, predicted: readonly string[], said: readonly string[]): string[] {
  const [ours, theirs] = [predicted.join(', '), said.join(', ')];
  return ours === theirs ? [] : [`${what}: we say [${ours}], the API server [${theirs}]`];
}
