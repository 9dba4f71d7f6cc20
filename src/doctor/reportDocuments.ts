import { blockLines, type YamlStyle } from '../preview/yamlText.js';
import type { DoctorReport } from './report.js';

const STYLE: YamlStyle = { eol: '\n', step: 2, dash: 0 };

/** The report as JSON, in parts: all in one may be longer than a string can be. */
export function* reportJson({ diagnoses, ...rest }: DoctorReport): Generator<string> {
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  yield `${head},\n  "diagnoses": [`;
  for (const [index, diagnosis] of diagnoses.entries()) {
    const text = JSON.stringify(diagnosis, null, 2).replaceAll('\n', '\n    ');
    yield `${index === 0 ? '' : ','}\n    ${text}`;
  }
  yield diagnoses.length === 0 ? ']\n}\n' : '\n  ]\n}\n';
}

/** The same as YAML. */
export function* reportYaml({ diagnoses, ...rest }: DoctorReport): Generator<string> {
  yield yamlOf(rest);
  yield diagnoses.length === 0 ? 'diagnoses: []\n' : 'diagnoses:\n';
  // Through JSON: what is undefined is left out.
  for (const diagnosis of diagnoses) yield yamlOf([JSON.parse(JSON.stringify(diagnosis)) as object]);
}

function yamlOf(value: object): string {
  return blockLines(value, 0, STYLE, [])
    .map(({ text }) => `${text}\n`)
    .join('');
}
