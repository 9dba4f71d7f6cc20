import { expect } from 'chai';
import { validateHeaderValue } from 'node:http';
import type { KubernetesObject } from '../../../src/admission/types.js';
import type { KubeHarden } from '../../e2e/support/kubeHarden.js';
import { requestOf, responseOf, reviewOf } from '../../admission/support/reviews.js';
import { post } from '../support/clients.js';
import { print, runFolder, serve } from './support/serveProcess.js';

const LINE_MAX = 120;
const TOTAL_MAX = 2048;

const NAMES: readonly string[] = [
  'a'.repeat(63),
  'b'.repeat(253),
  'c'.repeat(5000),
  'line\r\nWarning: 299 - "forged"',
  ...Array.from({ length: 32 }, (_, code) => `control${String.fromCharCode(code)}`),
  '\u007f\u0080\u009f\u00a0',
  'quote"back\\slash',
  'größe-名前-имя',
  '\u202egnp.lmth\u202c',
  '\u05d0\u05d1\u05d2 \u0627\u0628',
  'zero\u200bwidth\ufeff',
  '\u{1f469}\u200d\u{1f680}',
  '\ud800 half a pair',
  '',
  ' ',
];

/** A policy is named by a label, whose value holds 63 characters. */
const POLICY = 'p'.repeat(63);
const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: { mode: 'enforce' },
  full: { mode: 'enforce', policy: 'full' },
  audit: { mode: 'audit' },
  ['n'.repeat(63)]: { mode: 'audit' },
  'long-policy': { mode: 'enforce', policy: POLICY },
  'wrong-labels': {
    mode: 'm'.repeat(63),
    policy: 'q'.repeat(63),
    readOnlyRootFilesystem: 'v'.repeat(63),
    ...Object.fromEntries(Array.from({ length: 60 }, (_, rule) => [`${'r'.repeat(60)}${rule}`, 'disabled'])),
  },
};

describe('14. names of any kind', () => {
  let server: KubeHarden;
  before(async () => {
    const policy = (name: string): object => ({
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name },
      spec: { warnings: 'Full', rules: { privileged: { action: 'Deny' }, runAsNonRoot: { action: 'Warn' } } },
    });
    const items = Object.entries(NAMESPACES).map(([name, labels]) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        labels: Object.fromEntries(
          Object.entries(labels).map(([key, value]) => [`kube-harden.io/${key}`, value]),
        ),
      },
    }));
    const policies = [policy('full'), policy(POLICY)].map((document) => JSON.stringify(document));
    server = await serve({
      args: [
        ...['--policy-file', runFolder.write('policies.yaml', policies.join('\n---\n'))],
        ...[
          '--namespaces-file',
          runFolder.write('namespaces.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items })),
        ],
      ],
    });
  });
  after(() => server.stop());

  it('leave warnings valid header text, short enough each and together; the answer is well-formed', async () => {
    let answers = 0;
    let longest = 0;
    let most = 0;
    const warningsSeen = new Set<string>();
    for (const name of NAMES) {
      for (const namespace of Object.keys(NAMESPACES)) {
        for (const object of objects(name, namespace)) {
          const reply = await post(server.admissionPort, reviewOf(requestOf(object, { namespace })));
          expect(reply.status, reply.text.slice(0, 300)).to.equal(200);
          const { warnings = [], status } = responseOf({ body: reply.text });
          answers += 1;
          const total = warnings.reduce((sum, warning) => sum + warning.length, 0);
          most = Math.max(most, total);
          expect(total, warnings.join('\n')).to.be.at.most(TOTAL_MAX);
          for (const warning of warnings) {
            warningsSeen.add(warning);
            longest = Math.max(longest, warning.length);
            expect(warning, JSON.stringify(name)).to.match(/^[\x20-\x7e]{1,120}$/);
            expect(warning.length).to.be.at.most(LINE_MAX);
            validateHeaderValue('warning', warning);
          }
          if (status !== undefined) expect(status.message).to.match(/^[\x20-\x7e]+$/);
        }
      }
    }
    print(
      `${answers} answers with ${NAMES.length} names: ${warningsSeen.size} different warnings, ` +
        `the longest of ${longest} characters, at most ${most} together`,
    );
    expect(warningsSeen.size).to.be.above(100);
  });
});

/** The name wherever one can stand, in a Pod, in one that is refused, and in a Deployment. */
function objects(name: string, namespace: string): KubernetesObject[] {
  const spec = (securityContext?: object): object => ({
    containers: [
      { name, image: name, securityContext, resources: { limits: { [name]: '1' } } },
      { name: `${name}-2`, image: 'web:1', volumeMounts: [{ name, mountPath: `/${name}` }] },
    ],
    initContainers: [{ name: `init-${name}`, image: 'web:1', securityContext }],
    volumes: [{ name, hostPath: { path: `/etc/${name}` } }],
    serviceAccountName: name,
    nodeSelector: { [name]: name },
  });
  const metadata = {
    name,
    generateName: name,
    namespace,
    labels: { [name]: name },
    annotations: { [name]: name },
  };
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: spec() },
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: spec({ privileged: true, runAsUser: 0 }) },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { template: { metadata, spec: spec({ privileged: true }) } },
    },
  ];
}
