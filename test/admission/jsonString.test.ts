import fc from 'fast-check';
import { expect } from 'chai';
import { jsonString } from '../../src/admission/jsonString.js';

describe('jsonString', () => {
  const texts: readonly [text: string, json: string][] = [
    ['', '""'],
    ['kube-harden set 6 fields', '"kube-harden set 6 fields"'],
    ['a "quoted" \\ word', '"a \\"quoted\\" \\\\ word"'],
    ['line\nbreak\u0000\u007f', '"line\\nbreak\\u0000\\u007f"'],
    ['é 漢 😀', '"\\u00e9 \\u6f22 \\ud83d\\ude00"'],
    ['half \ud83d of it', '"half \\ud83d of it"'],
  ];
  for (const [text, json] of texts) {
    it(`writes ${json}`, () => expect(jsonString(text)).to.equal(json));
  }

  it('is ASCII, and reads back as what was written, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = jsonString(text);
        expect(json).to.match(/^[\x20-\x7e]*$/);
        expect(JSON.parse(json)).to.equal(text);
      }),
    );
  });
});
