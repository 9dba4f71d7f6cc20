/** What a shell is to offer for a word besides, or in place of, given values: cobra's ShellCompDirective, a bit map. */
export const DIRECTIVE = {
  /** Files, where no value fits. */
  default: 0,
  /** No file stands here. */
  noFiles: 4,
  /** The values are not words but the endings of files to offer; folders too. */
  filesEnding: 8,
  /** Folders only. */
  folders: 16,
} as const;

/** The values that fit a place of the command line. */
export interface PlaceValues {
  readonly values: readonly string[];
  readonly directive: number;
}

/** A value's place: an option's, or an argument of a command. */
export interface Place {
  /** An option's long flag (`--policy`), or a command's words and the argument's name (`policy show name`). */
  readonly key: string;
  /** What the help calls the value: `file|dir`. */
  readonly placeholder: string;
  /** Those that commander checks. */
  readonly choices?: readonly string[] | undefined;
}

/** Values that commander's metadata does not hold, each from where it is defined. */
const VALUES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  '--policy': policyNames,
  '--mode': async () => (await import('../preview/choices.js')).MODES,
  '--label': async () => (await ruleIds()).map((rule) => `kube-harden.io/${rule}=disabled`),
  '--log-level': async () => (await import('../telemetry/logger.js')).LOG_LEVELS,
  '--log-format': async () => (await import('../telemetry/logger.js')).LOG_FORMATS,
  '--log-decisions': async () => (await import('../telemetry/decisionLog.js')).DECISION_LOGS,
  '--certificates': async () => (await import('./serveFlags.js')).CERTIFICATES,
  '--preview-insecure': () => Promise.resolve(['true', 'false']),
  'rules id': ruleIds,
  'explain rule': ruleIds,
  'policy show name': policyNames,
};

/** The places whose values are named here, for the test that each of them is there. */
export const VALUE_KEYS: readonly string[] = Object.keys(VALUES);

/** What fits there: its own values, else files or folders where the placeholder says that one stands there. */
export async function placeValues({ key, placeholder, choices }: Place): Promise<PlaceValues> {
  const values = choices ?? (await VALUES[key]?.());
  if (values) return { values, directive: DIRECTIVE.noFiles };
  const words = placeholder.split('|');
  const isFolder = words.includes('dir') || words.includes('folder');
  const isFile = ['file', 'path', 'tar'].some((word) => words.includes(word));
  if (isFolder && isFile) return { values: ['yaml', 'yml', 'json'], directive: DIRECTIVE.filesEnding };
  if (isFolder) return { values: [], directive: DIRECTIVE.folders };
  return { values: [], directive: isFile ? DIRECTIVE.default : DIRECTIVE.noFiles };
}

async function ruleIds(): Promise<readonly string[]> {
  return (await import('../hardening/rule.js')).RULE_IDS;
}

async function policyNames(): Promise<readonly string[]> {
  return (await import('../policy/builtin.generated.js')).BUILTIN_POLICIES.map(({ name }) => name);
}
