import { blockLines, type YamlStyle } from '../preview/yamlText.js';
import type { ScanReport } from './report.js';

const STYLE: YamlStyle = { eol: '\n', step: 2, dash: 0 };

/** The report as JSON, in parts: all in one may be longer than a string can be. */
export function* scanJson({ namespaces, ...rest }: ScanReport): Generator<string> {
  const head = JSON.stringify(rest, null, 2).slice(0, -'\n}'.length);
  yield `${head},\n  "namespaces": [`;
  for (const [index, namespace] of namespaces.entries()) {
    const text = JSON.stringify(namespace, null, 2).replaceAll('\n', '\n    ');
    yield `${index === 0 ? '' : ','}\n    ${text}`;
  }
  yield namespaces.length === 0 ? ']\n}\n' : '\n  ]\n}\n';
}

/** The same as YAML. */
export function* scanYaml({ namespaces, ...rest }: ScanReport): Generator<string> {
  yield yamlOf(rest);
  if (namespaces.length === 0) yield 'namespaces: []\n';
  else yield 'namespaces:\n';
  for (const namespace of namespaces) yield yamlOf([namespace]);
}

/** Documents one after the other, as kubectl apply takes them. */
export function* yamlDocuments(documents: readonly object[]): Generator<string> {
  for (const [index, document] of documents.entries())
    yield `${index === 0 ? '' : '---\n'}${yamlOf(document)}`;
}

function yamlOf(value: object): string {
  return blockLines(value, 0, STYLE, [])
    .map(({ text }) => `${text}\n`)
    .join('');
}
