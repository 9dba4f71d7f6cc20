import { expect } from 'chai';
import { Command } from 'commander';
import { decide } from '../../src/admission/decide.js';
import type { AdmissionRequest, KubernetesObject } from '../../src/admission/types.js';
import { addServeFlags, environmentName, serveSettings } from '../../src/cli/serveFlags.js';
import type { Pod } from '../../src/hardening/podSpec.js';
import { evaluatePodSecurity } from '../../src/podSecurity/evaluate.js';
import { BUILTIN_POLICIES } from '../../src/policy/builtin.generated.js';
import { StandalonePlans } from '../../src/policy/standalonePlans.js';
import { namespace } from '../support/policies.js';
import { INSTALLATIONS } from './support/installations.js';
import { find, type Manifest } from './support/manifests.js';

interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly terminationGracePeriodSeconds: number;
    readonly serviceAccountName: string;
    readonly enableServiceLinks: boolean;
    readonly containers: readonly [Container];
    readonly volumes: readonly { readonly name: string }[];
  };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly [probe: string]: unknown;
}

const POLICIES = ['baseline', 'default', 'restricted'] as const;
const NONE = { changes: [], skips: [], violations: [], patch: [], warnings: [] };

/** A decision in a namespace that our own, which is never touched, would be if it were another. */
function decided(object: KubernetesObject, policy: string, kind: AdmissionRequest['kind']): ReturnType<typeof decide> {
  const plans = new StandalonePlans({
    policies: BUILTIN_POLICIES,
    namespaces: new Map([['elsewhere', namespace('elsewhere', { mode: 'enforce', policy })]]),
    clock: () => Date.parse('2027-01-01T00:00:00Z'),
  });
  return decide({ uid: '1', operation: 'CREATE', namespace: 'elsewhere', kind, object }, plans.planFor('elsewhere'));
}

function templateOf(deployment: Manifest): Template {
  return (deployment['spec'] as { readonly template: Template }).template;
}

for (const { name, objects } of INSTALLATIONS) {
  describe(`manifests: own pods of ${name}`, () => {
    const deployment = find(objects, 'Deployment');
    const template = templateOf(deployment);
    const [container] = template.spec.containers;
    const object: KubernetesObject = { ...deployment, metadata: { ...deployment.metadata } };
    Reflect.deleteProperty(object, 'file');

    for (const policy of POLICIES) {
      it(`come out of the policy ${policy} unchanged, as a Deployment and as a Pod`, () => {
        const asDeployment = decided(object, policy, { group: 'apps', version: 'v1', kind: 'Deployment' });
        expect(asDeployment).to.deep.include({ outcome: 'unchanged', ...NONE });
        const pod = { apiVersion: 'v1', kind: 'Pod', ...template } as unknown as KubernetesObject;
        expect(decided(pod, policy, { group: '', version: 'v1', kind: 'Pod' })).to.deep.include({
          outcome: 'unchanged',
          ...NONE,
        });
      });
    }

    it('reach the Pod Security level restricted', () => {
      expect(evaluatePodSecurity(template as unknown as Pod)).to.deep.equal({ level: 'restricted', blockers: [] });
    });

    it('start serve with flags and variables that it knows', () => {
      const [command, ...flags] = container.args;
      expect(command).to.equal('serve');
      const serve = addServeFlags(new Command('serve').exitOverride());
      serve.parse(flags, { from: 'user' });
      const settings = serveSettings(serve.opts());
      const known = serve.options.map(({ long }) => environmentName(long ?? ''));
      expect(container.ports.filter(({ name: port }) => port !== 'preview').map(({ containerPort }) => containerPort)).to.deep.equal([settings.admission.port, settings.ops.port]);
      const unknown = container.env.filter(({ name: variable }) => variable.startsWith('KUBE_HARDEN_') && !known.includes(variable));
      expect(unknown).to.deep.equal([]);
    });

    it('are not given variables by Services, which would look like flags', () => {
      expect(template.spec.enableServiceLinks).to.equal(false);
    });

    it('have the time to drain: preStop, then the grace period, then the end', () => {
      const serve = addServeFlags(new Command('serve').exitOverride()).parse(container.args.slice(1), { from: 'user' });
      const { shutdownDelayMs, shutdownGraceMs } = serveSettings(serve.opts());
      const { seconds } = container.lifecycle.preStop.sleep;
      expect(seconds * 1000 + shutdownGraceMs).to.be.below(template.spec.terminationGracePeriodSeconds * 1000);
      // What is in flight when the delay ends is answered: an API server waits no longer than this.
      const webhooks = find(objects, 'MutatingWebhookConfiguration')['webhooks'] as readonly { timeoutSeconds: number }[];
      const longest = Math.max(...webhooks.map(({ timeoutSeconds }) => timeoutSeconds));
      expect(shutdownGraceMs - shutdownDelayMs).to.be.above(longest * 1000);
    });

    it('mount every volume, and find every port by its name', () => {
      expect(container.volumeMounts.map((mount) => mount.name).sort()).to.deep.equal(
        template.spec.volumes.map((volume) => volume.name).sort(),
      );
      const ports = container.ports.map((port) => port.name);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
        expect(ports).to.include((container[probe] as { httpGet: { port: string } }).httpGet.port);
      for (const service of objects.filter(({ kind }) => kind === 'Service')) {
        const spec = service['spec'] as { selector: Record<string, string>; ports: { targetPort: string }[] };
        expect(ports, service.metadata.name).to.include.members(spec.ports.map(({ targetPort }) => targetPort));
        expect(template.metadata.labels).to.include(spec.selector);
      }
    });

    it('are reachable on every port that they declare, and on no other', () => {
      const open = objects
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .flatMap((policy) => (policy['spec'] as { ingress: { ports: { port: number }[] }[] }).ingress)
        .flatMap(({ ports }) => ports.map(({ port }) => port));
      expect(open.sort()).to.deep.equal(container.ports.map(({ containerPort }) => containerPort).sort());
    });
  });
}
