import { expect } from 'chai';
import { BoundedMap } from '../../src/hardening/boundedMap.js';

describe('BoundedMap', () => {
  it('never holds more than it may', () => {
    const map = new BoundedMap<string, number>(3);
    for (let index = 0; index < 1000; index++) {
      map.set(`key-${index}`, index);
      expect(map.size).to.be.within(1, 3);
      expect(map.get(`key-${index}`)).to.equal(index);
    }
  });

  it('forgets all of them when one more comes', () => {
    const map = new BoundedMap<string, number>(2).set('a', 1).set('b', 2).set('c', 3);
    expect([...map]).to.deep.equal([['c', 3]]);
  });

  it('forgets nothing where a key is set again', () => {
    const map = new BoundedMap<string, number>(2).set('a', 1).set('b', 2).set('a', 3);
    expect([...map]).to.deep.equal([
      ['a', 3],
      ['b', 2],
    ]);
  });

  it('keeps that there is nothing', () => {
    const map = new BoundedMap<string, undefined>(2).set('a', undefined);
    expect(map.has('a')).to.equal(true);
  });
});
