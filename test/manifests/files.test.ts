import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { INSTALLATIONS } from './support/installations.js';
import { documentsOf, filesEndingIn, find, idOf, kustomizationOf, MANIFESTS } from './support/manifests.js';

/** What has no namespace, of the kinds that we ship. */
const CLUSTER_SCOPED = [
  'Namespace',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingWebhookConfiguration',
];

describe('manifests: files', () => {
  for (const file of filesEndingIn('.yaml', '.yml', '.json')) {
    it(`${file} parses`, () => expect(documentsOf(file)).to.not.be.empty);
  }

  for (const file of filesEndingIn('kustomization.yaml')) {
    const folder = dirname(file);

    it(`${folder}: its kustomization names what is there, and nothing lies beside it unused`, () => {
      const { resources = [], components = [], patches = [] } = kustomizationOf(folder);
      const named = [...resources, ...components, ...patches.map(({ path }) => path)];
      for (const path of named) expect(existsSync(join(MANIFESTS, folder, path)), path).to.equal(true);
      const beside = filesEndingIn('.yaml').filter((other) => dirname(other) === folder && other !== file);
      expect(beside.map((other) => basename(other)).filter((other) => !named.includes(other))).to.deep.equal([]);
    });
  }
});

for (const { name, objects } of INSTALLATIONS) {
  describe(`manifests: ${name}`, () => {
    it('has every object once, in the namespace that it names itself', () => {
      expect(new Set(objects.map(idOf)).size).to.equal(objects.length);
      for (const object of objects) {
        const { namespace } = object.metadata;
        if (CLUSTER_SCOPED.includes(object.kind)) expect(namespace, idOf(object)).to.equal(undefined);
        else expect(namespace, idOf(object)).to.be.oneOf(['kube-harden', 'default']);
      }
    });

    it('marks every object but the CRD as its own', () => {
      for (const object of objects.filter(({ kind }) => kind !== 'CustomResourceDefinition'))
        expect(object.metadata.labels, idOf(object)).to.include({ 'app.kubernetes.io/name': 'kube-harden' });
    });

    it('leaves the fields that the running server writes alone', () => {
      expect(JSON.stringify(find(objects, 'MutatingWebhookConfiguration'))).to.not.include('caBundle');
      expect(find(objects, 'Lease')).to.not.have.property('spec');
      for (const secret of objects.filter(({ kind }) => kind === 'Secret'))
        expect(secret).to.not.have.any.keys('data', 'stringData', 'immutable');
    });

    it('holds its own namespace to restricted', () => {
      expect(find(objects, 'Namespace').metadata.labels).to.include({
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': 'latest',
      });
    });

    it('asks for no right that it guards itself: no label or annotation of ours on the namespace', () => {
      const { labels = {}, annotations = {} } = find(objects, 'Namespace').metadata;
      const ours = [...Object.keys(labels), ...Object.keys(annotations)].filter((key) => key.startsWith('kube-harden.io/'));
      expect(ours).to.deep.equal([]);
    });
  });
}
