import type { PreviewResult } from '../preview/result.js';
import type { ScanReport } from '../scan/report.js';
import { sarifText, type SarifSource } from './sarifText.js';

/** A SARIF log of a scan. An object's artifact is its path in the API, and all that is found stands in its first line. */
export function scanSarif({ namespaces }: ScanReport): string {
  const results = namespaces.flatMap(({ workloads }) => workloads.flatMap((workload) => workload.results));
  return sarifText(results.map(asSource));
}

/** The text of an object that was read from a cluster is nowhere: there are no places in it, and nothing to edit. */
function asSource(result: PreviewResult): SarifSource {
  const manifest = {
    source: result.source,
    document: 0,
    at: [],
    object: { apiVersion: result.apiVersion, kind: result.kind },
    position: () => undefined,
  };
  return {
    source: { path: '-', name: result.source.slice(1) },
    preview: { file: { manifests: [manifest] }, previews: [{ result }] },
  };
}
