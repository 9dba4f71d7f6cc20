import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { EXAMPLE_IMAGES } from './support/exampleImages.js';

const FOLDER = new URL('../fixtures/images/', import.meta.url);

describe('test/fixtures/images', () => {
  it('holds the images of docs/profile.md, and no other', () => {
    expect(readdirSync(FOLDER).sort()).to.deep.equal(Object.keys(EXAMPLE_IMAGES).sort());
  });
  for (const [name, bytes] of Object.entries(EXAMPLE_IMAGES)) {
    it(`${name} is what test/images/support/writeExamples.ts writes`, () => {
      expect(readFileSync(new URL(name, FOLDER)).equals(bytes)).to.equal(true);
    });
  }
});
