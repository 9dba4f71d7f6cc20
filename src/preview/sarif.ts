import { isRecord } from '../hardening/locate.js';
import type { Risk } from '../hardening/rule.js';
import { CATALOGUE, type CatalogueEntry } from './catalogue.js';
import { fieldKeys } from './fieldKeys.js';
import { containersBehind, knowledgeLine } from './imageKnowledge.js';
import { podOf } from './preview.js';
import type { FilePreview } from './previewFile.js';
import type { PreviewChange, PreviewResult, PreviewViolation } from './result.js';

/** A file, and what it is called in a report. */
export interface SarifFile {
  /** Relative to the folder of the repository, or absolute. */
  readonly uri: string;
  /** What a log is made of: the objects of the file, and the result of each. */
  readonly preview: {
    readonly file: { readonly manifests: FilePreview['file']['manifests'] };
    readonly previews: readonly { readonly result: PreviewResult }[];
  };
}

/** What made the report. */
export interface SarifTool {
  readonly version: string;
  /** The absolute URI of a rule's page. */
  page(rule: string): string;
}

type Level = 'note' | 'warning' | 'error';

/** The risk of a change is that of breaking a program that runs today. */
const LEVELS: Readonly<Record<Risk, Level>> = { low: 'note', medium: 'warning', high: 'error' };

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/**
 * A SARIF 2.1.0 log, as code scanning takes it: one result for each change and each violation, at the line of its
 * field or of the deepest part of it that is there.
 *
 * The level of a change follows its risk: `note` for low, `warning` for medium, `error` for high. A violation is an
 * `error` where the policy refuses the object for it, else a `warning`.
 *
 * @returns plain JSON
 */
export function sarifLog(files: readonly SarifFile[], tool: SarifTool): object {
  const results = files.flatMap(({ uri, preview: { file, previews } }) =>
    file.manifests.flatMap((manifest, index) => {
      const result = previews[index]?.result;
      if (!result) return [];
      const base = podOf(manifest, result.namespace)?.base ?? [];
      const locations = (field: string): object[] => {
        const { line, column } = manifest.position([...base, ...fieldKeys(field)]) ?? { line: 1, column: 1 };
        return [
          {
            physicalLocation: {
              artifactLocation: { uri },
              region: { startLine: line, startColumn: column },
            },
            logicalLocations: [
              { fullyQualifiedName: `${result.kind}/${result.name}: ${field}`, kind: 'member' },
            ],
          },
        ];
      };
      return [
        ...result.changes.map((change) => ({
          ...ruleReference(change.rule),
          level: LEVELS[change.risk],
          message: changeMessage(change, result),
          locations: locations(change.field),
          properties: { risk: change.risk, imageProfile: change.profile },
        })),
        ...result.violations.map((violation) => ({
          ...ruleReference(violation.rule),
          level: violation.denied ? 'error' : 'warning',
          message: violationMessage(violation, result),
          locations: locations(violation.field),
        })),
      ];
    }),
  );
  const driver = {
    name: 'kube-harden',
    version: tool.version,
    rules: CATALOGUE.map((rule) => descriptor(rule, tool)),
  };
  // Columns are counted as strings are in JavaScript.
  const run = { tool: { driver }, columnKind: 'utf16CodeUnits', results };
  return { $schema: SCHEMA, version: '2.1.0', runs: [run] };
}

function descriptor({ id, title, reason, risk, sets, control }: CatalogueEntry, tool: SarifTool): object {
  const optOut = `kubectl label ns NAMESPACE kube-harden.io/${id}=disabled`;
  const standard = control === null ? '' : ` Pod Security Standards, ${control.level}: ${control.name}.`;
  return {
    id,
    name: id,
    shortDescription: { text: `${title}.` },
    fullDescription: { text: reason },
    helpUri: tool.page(id),
    help: {
      text: `${reason}${standard} Default: ${sets.Default}. Opt out: ${optOut}`,
      markdown: `${reason}${standard}\n\nDefault: ${sets.Default}.\n\nOpt out: \`${optOut}\``,
    },
    defaultConfiguration: { level: LEVELS[risk] },
    properties: { tags: ['security', 'kubernetes'], risk },
  };
}

function ruleReference(rule: string): object {
  return { ruleId: rule, ruleIndex: CATALOGUE.findIndex(({ id }) => id === rule) };
}

/** A viewer shows the first sentence where there is little room. */
function changeMessage(change: PreviewChange, { containers }: PreviewResult): object {
  const { container, field, before, after, reason, risk } = change;
  const where = fieldOf(field, container);
  const what = field.endsWith('[]')
    ? `Hardening adds to ${where}: ${valueOf(after)}.`
    : after === null
      ? `Hardening takes ${where} out, which is ${valueOf(before)}.`
      : `Hardening sets ${where} to ${valueOf(after)}; it is ${valueOf(before)}.`;
  const images = containersBehind([change], containers).map(knowledgeLine);
  const because = images.length === 0 ? '' : `: ${images.join('; ')}`;
  return message(`${what} ${reason} The risk that this breaks the program is ${risk}${because}.`);
}

function violationMessage(
  { container, field, value, denied, fix }: PreviewViolation,
  { policy }: PreviewResult,
): object {
  const verdict = denied
    ? `for which policy ${policy} refuses the object`
    : `and policy ${policy} reports it`;
  return message(`${fieldOf(field, container)} is ${valueOf(value)}, ${verdict}. To lift it: ${fix}`);
}

function fieldOf(field: string, container: string | null): string {
  return container === null ? field : `${field} (container "${container}")`;
}

/** Without braces, which stand for placeholders in SARIF: `name "tmp", mountPath "/tmp"`. */
function valueOf(value: unknown): string {
  if (value === null || value === undefined) return 'unset';
  if (!isRecord(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, item]) => `${key} ${valueOf(item)}`)
    .join(', ');
}

/** Those of an author's own value are doubled, as SARIF asks (3.11.5). */
function message(text: string): object {
  return { text: text.replaceAll(/[{}]/g, '$&$&') };
}
