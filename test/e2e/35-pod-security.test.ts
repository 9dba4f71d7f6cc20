import { expect } from 'chai';
import { locatePod } from '../../src/hardening/locate.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import type { Level } from '../../src/podSecurity/control.js';
import { evaluatePodSecurity } from '../../src/podSecurity/evaluate.js';
import { parsePodSecurityMessage, predictedControls } from '../support/podSecurityWarnings.js';
import type { ApiClient, ApiReply } from './controlPlane/apiClient.js';
import { corpusSamples, dryRun, makeCorpusNamespace, type Sample } from './support/corpusSamples.js';
import { mutatingBuiltins } from './support/hardeningPolicies.js';
import { world } from './support/world.js';

const CONNECTIONS = 16;
const LEVELS = ['baseline', 'restricted'] as const;
type Refusing = (typeof LEVELS)[number];

const PSA = 'pod-security.kubernetes.io';

/**
 * We follow the standards of 1.37, an API server its own version: what 1.37 has added is refused by one before it. The
 * corpus holds the fixtures of 1.37.
 */
const SINCE_37: ReadonlySet<unknown> = new Set([
  'net.ipv4.tcp_slow_start_after_idle',
  'net.ipv4.tcp_notsent_lowat',
]);

/** What was sent, and the pod or template of it as the API server has it after all defaults and mutations. */
interface Seen {
  readonly sample: Sample;
  readonly pod: Pod;
  /** What Pod Security said in a warning, by level; no entry where it said nothing. */
  readonly warned: Readonly<Partial<Record<Refusing, readonly string[]>>>;
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
  let isBefore37: boolean;

  before(async () => {
    const { body } = await world().controlPlane.api('GET', '/version');
    isBefore37 = Number.parseInt(body.minor, 10) < 37;
    client = await world().controlPlane.client({ maxSockets: CONNECTIONS });
    await mutatingBuiltins();
  });
  after(() => client.close());

  for (const [title, policy] of VARIANTS) {
    it(`is what the API server warns of, control by control, and refuses, ${title}`, async () => {
      const seen = await warnings(policy);
      const differing = seen.flatMap((one) => warningDiffers(one));
      const reached = { privileged: 0, baseline: 0, restricted: 0 };
      for (const { pod } of seen) reached[levelOf(pod)] += 1;
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
        return { sample, pod, warned: { ...said('baseline', replies), ...said('restricted', replies) } };
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
            const wanted = predicted(pod, level);
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
    const level = levelOf(pod);
    const judged = warned.baseline ? 'privileged' : warned.restricted ? 'baseline' : 'restricted';
    return [
      ...difference(`${sample.id}: level`, [level], [judged]),
      ...LEVELS.flatMap((refusing) =>
        difference(`${sample.id} at ${refusing}`, predicted(pod, refusing), warned[refusing] ?? []),
      ),
    ];
  }

  function levelOf(pod: Pod): Level {
    return usesNewerSysctls(pod) ? 'privileged' : evaluatePodSecurity(pod).level;
  }

  function predicted(pod: Pod, level: Refusing): string[] {
    const controls = predictedControls(pod, level);
    return usesNewerSysctls(pod) ? [...new Set([...controls, 'sysctls'])].sort() : controls;
  }

  function usesNewerSysctls({ spec }: Pod): boolean {
    return isBefore37 && (spec.securityContext?.sysctls ?? []).some(({ name }) => SINCE_37.has(name));
  }
});

function ours(policy: string | undefined): Record<string, string> {
  return policy === undefined ? {} : { 'kube-harden.io/mode': 'enforce', 'kube-harden.io/policy': policy };
}

function said(
  level: Refusing,
  replies: Readonly<Record<Refusing, ApiReply>>,
): Partial<Record<Refusing, readonly string[]>> {
  const messages = replies[level].warnings
    .map(parsePodSecurityMessage)
    .filter((message) => message !== undefined);
  expect(messages.length).to.be.at.most(1);
  const [message] = messages;
  if (message === undefined) return {};
  expect(message.level).to.equal(level);
  expect(message.complete, 'not cut by the API server').to.equal(true);
  return { [level]: message.controls };
}

function difference(what: string, predicted: readonly string[], said: readonly string[]): string[] {
  const [ours, theirs] = [predicted.join(', '), said.join(', ')];
  return ours === theirs ? [] : [`${what}: we say [${ours}], the API server [${theirs}]`];
}
