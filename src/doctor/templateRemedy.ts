import type { RuleId } from '../hardening/rule.js';
import { scalarText } from '../policy/yamlLine.js';
import type { Remedy } from './finding.js';
import type { Blamed, Match } from './match.js';
import { doubled } from './remedyText.js';
import type { Written } from './written.js';

/**
 * The value that the author writes into the template so that the rule leaves it alone: under Default what is explicit
 * stands, and is reported.
 *
 * @returns undefined where no value does that, or the author would have to know one that nobody has told
 */
export function templateRemedy(match: Match, { rule, field }: Blamed): Remedy | undefined {
  const { container } = match.sighting;
  const onContainer = ON_CONTAINER[rule];
  if (onContainer !== undefined && container) {
    const list = container.isInit ? 'initContainers' : 'containers';
    return {
      kind: 'template',
      what: `Say it in the template of container "${container.name}": what is explicit stands, and is reported.`,
      paste: [
        'spec:',
        `  ${list}:`,
        `    - name: ${scalarText(container.name)}`,
        ...indented(onContainer, 6),
      ].join('\n'),
    };
  }
  if (rule === 'resources') return resourceRemedy(match, field);
  const onPod = ON_POD[rule];
  return onPod === undefined
    ? undefined
    : {
        kind: 'template',
        what: "Say it in the pod's template: what is explicit stands, and is reported.",
        paste: ['spec:', ...indented(onPod, 2)].join('\n'),
      };
}

const indented = (text: readonly string[], by: number): string[] =>
  text.map((line) => `${' '.repeat(by)}${line}`);

const inSecurityContext = (...lines: string[]): string[] => ['securityContext:', ...indented(lines, 2)];

const ON_CONTAINER: Partial<Record<RuleId, readonly string[]>> = {
  readOnlyRootFilesystem: inSecurityContext('readOnlyRootFilesystem: false'),
  allowPrivilegeEscalation: inSecurityContext('allowPrivilegeEscalation: true'),
  seccompProfile: inSecurityContext('seccompProfile:', '  type: Unconfined'),
  runAsNonRoot: inSecurityContext('runAsNonRoot: false'),
  runAsUser: inSecurityContext('runAsUser: 0'),
  appArmorProfile: inSecurityContext('appArmorProfile:', '  type: Unconfined'),
};

const ON_POD: Partial<Record<RuleId, readonly string[]>> = {
  automountServiceAccountToken: ['automountServiceAccountToken: true'],
  hostUsers: ['hostUsers: true'],
  supplementalGroupsPolicy: inSecurityContext('supplementalGroupsPolicy: Merge'),
};

/** Twice what the rule gave of a limit; of a request the half, since there it is too much. */
function resourceRemedy(match: Match, field: Written): Remedy | undefined {
  const [, list, name] = /\.resources\.(requests|limits)(?:\.|\[")([\w-]+)/.exec(field.field) ?? [];
  const container = match.sighting.pod.container(field.container);
  if (list === undefined || name === undefined || !container || field.after == null) return undefined;
  const given = typeof field.after === 'string' ? field.after : JSON.stringify(field.after);
  const isLimit = list === 'limits';
  const kind = container.isInit ? 'initContainers' : 'containers';
  return {
    kind: 'template',
    what: `Say what container "${container.name}" needs of ${name} instead of the default ${given}; the value is a guess.`,
    paste: [
      'spec:',
      `  ${kind}:`,
      `    - name: ${scalarText(container.name)}`,
      '      resources:',
      `        ${list}:`,
      `          ${name}: ${JSON.stringify(isLimit ? doubled(given) : halved(given))}`,
    ].join('\n'),
  };
}

function halved(quantity: string): string {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(.*)$/.exec(quantity) ?? [];
  const half = Number(number) / 2;
  return number === '' || (unit === 'm' && !Number.isInteger(half)) ? quantity : `${half}${unit}`;
}
