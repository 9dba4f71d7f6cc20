/*
 * Writes the files that are made from others: npx tsx scripts/generate.ts
 * With --check it writes nothing, names those that are stale, and exits 1 where there are any.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GeneratedFile } from './generated/generatedFile.js';
import { cliDocFiles } from './generated/cliDocs.js';
import { chartFiles } from './generated/chart.js';
import { crdFiles } from './generated/crd.js';
import { policyFiles } from './generated/policy.js';
import { exampleFiles } from './generated/examples.js';
import { imageDocFiles } from './generated/imageDocs.js';
import { labelDocFiles } from './generated/labelDocs.js';
import { metricDocFiles } from './generated/metricDocs.js';
import { openApiFiles } from './generated/openapi.js';
import { policyDocFiles } from './generated/policyDocs.js';
import { ruleDocFiles } from './generated/ruleDocs.js';
import { signatureFiles } from './generated/signatures.js';

const FILES: readonly GeneratedFile[] = [
  ...policyFiles,
  ...signatureFiles,
  ...openApiFiles,
  ...crdFiles,
  // After the CRD, which is one of its templates.
  ...chartFiles,
  ...ruleDocFiles,
  ...imageDocFiles,
  ...cliDocFiles,
  ...labelDocFiles,
  ...policyDocFiles,
  ...metricDocFiles,
  ...exampleFiles,
];

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const check = process.argv.includes('--check');
for (const { path, content } of FILES) {
  const target = resolve(ROOT, path);
  const wanted = await content();
  if (current(target) === wanted) continue;
  if (check) {
    process.stderr.write(`${path} is stale: npx tsx scripts/generate.ts\n`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, wanted);
  process.stdout.write(`wrote ${path}\n`);
}
