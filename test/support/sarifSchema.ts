/**
 * What the schema of SARIF 2.1.0 says of the objects that our logs have, written down by hand: which properties are
 * required, and the kinds of those that we write. The schema allows no others than its own (`additionalProperties:
 * false`), so a property that is not named here is wrong as well.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
 */
const DEFINITIONS = {
  sarifLog: { required: ['version', 'runs'], has: { $schema: 'uri', version: 'version', runs: ['run'] } },
  run: { required: ['tool'], has: { tool: 'tool', columnKind: 'columnKind', results: ['result'] } },
  tool: { required: ['driver'], has: { driver: 'toolComponent' } },
  toolComponent: {
    required: ['name'],
    has: { name: 'string', version: 'string', rules: ['reportingDescriptor'] },
  },
  reportingDescriptor: {
    required: ['id'],
    has: {
      id: 'string',
      name: 'string',
      shortDescription: 'multiformatMessageString',
      fullDescription: 'multiformatMessageString',
      helpUri: 'uri',
      help: 'multiformatMessageString',
      defaultConfiguration: 'reportingConfiguration',
      properties: 'propertyBag',
    },
  },
  multiformatMessageString: { required: ['text'], has: { text: 'string', markdown: 'string' } },
  reportingConfiguration: { required: [], has: { level: 'level' } },
  result: {
    required: ['message'],
    has: {
      ruleId: 'string',
      ruleIndex: 'index',
      level: 'level',
      message: 'message',
      locations: ['location'],
      properties: 'propertyBag',
    },
  },
  message: { required: ['text'], has: { text: 'string' } },
  location: {
    required: [],
    has: { physicalLocation: 'physicalLocation', logicalLocations: ['logicalLocation'] },
  },
  physicalLocation: {
    required: ['artifactLocation'],
    has: { artifactLocation: 'artifactLocation', region: 'region' },
  },
  artifactLocation: { required: [], has: { uri: 'uri-reference' } },
  region: { required: ['startLine'], has: { startLine: 'position', startColumn: 'position' } },
  logicalLocation: { required: [], has: { fullyQualifiedName: 'string', kind: 'string' } },
} as const;

const VALUES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  uri: (value) => typeof value === 'string' && URL.canParse(value),
  'uri-reference': (value) =>
    typeof value === 'string' && !/[\s"<>\\^`{|}]/.test(value) && URL.canParse(value, 'file:///base/'),
  version: (value) => value === '2.1.0',
  columnKind: (value) => value === 'utf16CodeUnits' || value === 'unicodeCodePoints',
  level: (value) => ['none', 'note', 'warning', 'error'].includes(String(value)),
  index: (value) => Number.isInteger(value) && Number(value) >= -1,
  position: (value) => Number.isInteger(value) && Number(value) >= 1,
  propertyBag: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** @returns everything that is wrong with a log, each with its path; nothing where it is valid */
export function sarifProblems(log: unknown): string[] {
  return problemsOf(log, 'sarifLog', '$');
}

function problemsOf(value: unknown, kind: string, at: string): string[] {
  const isValid = VALUES[kind];
  if (isValid) return isValid(value) ? [] : [`${at}: not a ${kind}: ${JSON.stringify(value)}`];
  if (typeof value !== 'object' || value === null) return [`${at}: not an object`];
  const definition = DEFINITIONS[kind as keyof typeof DEFINITIONS];
  const has: Readonly<Record<string, string | readonly string[]>> = definition.has;
  const missing = definition.required.filter((name) => !(name in value));
  return [
    ...missing.map((name) => `${at}.${name}: is required`),
    ...Object.entries(value).flatMap(([name, item]: [string, unknown]) => {
      const expected = has[name];
      if (expected === undefined) return [`${at}.${name}: is not known`];
      if (typeof expected === 'string') return problemsOf(item, expected, `${at}.${name}`);
      if (!Array.isArray(item)) return [`${at}.${name}: not a list`];
      return item.flatMap((entry, index) =>
        problemsOf(entry, String(expected[0]), `${at}.${name}[${index}]`),
      );
    }),
  ];
}
