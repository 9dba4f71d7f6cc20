import { expect } from 'chai';
import { isLiveWord, parseLiveTarget, resourcePath, workloadOf } from '../../src/cli/liveTarget.js';

describe('KIND/NAME', () => {
  const PATHS: readonly (readonly [text: string, path: string])[] = [
    ['pod/web', '/api/v1/namespaces/shop/pods/web'],
    ['po/web-0', '/api/v1/namespaces/shop/pods/web-0'],
    ['Pods/a.b', '/api/v1/namespaces/shop/pods/a.b'],
    ['rc/web', '/api/v1/namespaces/shop/replicationcontrollers/web'],
    ['podtemplate/web', '/api/v1/namespaces/shop/podtemplates/web'],
    ['deploy/web', '/apis/apps/v1/namespaces/shop/deployments/web'],
    ['deployment.apps/web', '/apis/apps/v1/namespaces/shop/deployments/web'],
    ['deployments.v1.apps/web', '/apis/apps/v1/namespaces/shop/deployments/web'],
    ['sts/web', '/apis/apps/v1/namespaces/shop/statefulsets/web'],
    ['ds/web', '/apis/apps/v1/namespaces/shop/daemonsets/web'],
    ['rs/web', '/apis/apps/v1/namespaces/shop/replicasets/web'],
    ['job/web', '/apis/batch/v1/namespaces/shop/jobs/web'],
    ['cj/web', '/apis/batch/v1/namespaces/shop/cronjobs/web'],
    ['cronjobs.batch/web', '/apis/batch/v1/namespaces/shop/cronjobs/web'],
  ];
  for (const [text, path] of PATHS) {
    it(`${text} is ${path}`, () => {
      const target = parseLiveTarget(text);
      if ('problem' in target) throw new Error(target.problem);
      expect(`${resourcePath(target.workload, 'shop')}/${target.name}`).to.equal(path);
      expect(isLiveWord(text) || text.includes('.')).to.equal(true);
    });
  }

  const WRONG: readonly (readonly [text: string, problem: RegExp])[] = [
    ['svc/web', /^"svc" is no kind of workload \(po, .*cj\)$/],
    ['deploymnet/web', /did you mean "deployment"\?$/],
    ['deployment.batch/web', /^"deployment\.batch" is no kind of workload/],
    ['pod', /^of a cluster's pod the name is needed: pod\/NAME$/],
    ['pod/', /^"" is not an object's name/],
    ['pod/../secrets', /^"\.\.\/secrets" is not an object's name/],
    ['pod/Web', /^"Web" is not an object's name/],
  ];
  for (const [text, problem] of WRONG) {
    it(`${text} is none`, () => {
      expect(parseLiveTarget(text)).to.have.property('problem').that.matches(problem);
    });
  }

  it('knows what is rather meant as a file', () => {
    for (const file of ['web.yaml', './pod/web', 'manifests/web.yaml', '/tmp/web', 'a/b/c'])
      expect(isLiveWord(file), file).to.equal(false);
    for (const word of ['svc/web', 'pod', 'deploy']) expect(isLiveWord(word), word).to.equal(true);
  });

  it('finds the workload that an owner reference names, and no other of the same kind', () => {
    expect(workloadOf('apps/v1', 'ReplicaSet')?.resource).to.equal('replicasets');
    expect(workloadOf('argoproj.io/v1alpha1', 'ReplicaSet')).to.equal(undefined);
    expect(workloadOf('v1', 'Pod')?.resource).to.equal('pods');
  });
});
