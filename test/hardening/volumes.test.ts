import { expect } from 'chai';
import { cleanPath, isAtOrBelow, mountsLastingVolume } from '../../src/hardening/volumes.js';

describe('cleanPath', () => {
  for (const [path, expected] of [
    ['/', '/'],
    ['', '/'],
    ['/tmp/', '/tmp'],
    ['//tmp', '/tmp'],
    ['/a/./b', '/a/b'],
    ['//etc/../etc/', '/etc'],
    ['/../../etc', '/etc'],
    ['/a/b/../../..', '/'],
    ['tmp', '/tmp'],
    ['/a/...', '/a/...'],
    ['C:\\data', '/C:\\data'],
  ] as const)
    it(`${path || '(empty)'} is ${expected}`, () => expect(cleanPath(path)).to.equal(expected));
});

describe('isAtOrBelow', () => {
  for (const [path, ancestor, expected] of [
    ['/etc', '/etc', true],
    ['/etc/ssl', '/etc', true],
    ['/etcetera', '/etc', false],
    ['/etc', '/etc/ssl', false],
    ['/anything', '/', true],
    ['/', '/', true],
    ['/', '/etc', false],
  ] as const)
    it(`${path} is ${expected ? '' : 'not '}at or below ${ancestor}`, () =>
      expect(isAtOrBelow(path, ancestor)).to.equal(expected));
});

describe('mountsLastingVolume', () => {
  it('counts a volume that the pod does not have: a StatefulSet’s claim', () => {
    expect(mountsLastingVolume({ volumeMounts: [{ name: 'data' }] }, () => undefined)).to.equal(true);
  });
  it('takes nulls for nothing', () => {
    expect(mountsLastingVolume({ volumeMounts: null, volumeDevices: null }, () => undefined)).to.equal(false);
    expect(mountsLastingVolume({ volumeMounts: [{}] }, () => ({ hostPath: null, nfs: null }))).to.equal(
      false,
    );
    expect(mountsLastingVolume({ volumeMounts: [{}] }, () => ({ hostPath: {} }))).to.equal(true);
  });
});
