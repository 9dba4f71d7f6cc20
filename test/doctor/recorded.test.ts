import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { diagnosePod } from '../../src/doctor/diagnosePod.js';
import { readRecorded } from './recordedFacts.js';

const FOLDER = new URL('../fixtures/doctor/', import.meta.url);

describe('what the doctor says of pods recorded on a real node', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
    const { expected, facts, now } = readRecorded(new URL(file, FOLDER));
    const wanted = expected.rules.length === 0 ? 'blames nothing' : expected.rules.join(' or ');
    it(`${file}: ${wanted}`, () => {
      const diagnosis = diagnosePod(facts, now);
      const { findings } = diagnosis;
      const sure = findings.filter(({ certainty }) => certainty !== 'possible').map(({ rule }) => rule);
      if (expected.rules.length === 0) expect(sure).to.deep.equal([]);
      else expect(expected.rules, JSON.stringify(findings, null, 1)).to.include(sure[0]);
      expect(diagnosis.state).to.equal(expected.state ?? 'broken');
    });
  }
});
