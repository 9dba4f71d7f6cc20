import { CHANGED_ANNOTATION } from '../../src/admission/decide.js';
import { encodeReview } from '../../src/admission/review.js';
import { MIRROR_ANNOTATION } from '../../src/admission/scope.js';
import type { AdmissionRequest } from '../../src/admission/types.js';
import { OLD_UNTIL } from '../../src/cluster/certificateSecret.js';
import type { Plan } from '../../src/hardening/plan.js';
import { ANNOTATION as APPARMOR } from '../../src/hardening/rules/appArmorProfile.js';
import { RULES } from '../../src/hardening/rules/index.js';
import {
  CONTAINER_ANNOTATION as SECCOMP,
  POD_ANNOTATION as POD_SECCOMP,
} from '../../src/hardening/rules/seccompProfile.js';
import { COPY_LABEL } from '../../src/learn/verifyCopy.js';
import { UID_RANGE_ANNOTATIONS } from '../../src/policy/namespace.js';
import { LABEL_PREFIX, MODE_LABEL, POLICY_LABEL } from '../../src/policy/plan.js';
import type { GeneratedFile } from './generatedFile.js';
import { code, table } from './markdown.js';

/** docs/reference/labels.md: every label and annotation that is read or written, by the source's constants. */
export const labelDocFiles: readonly GeneratedFile[] = [{ path: 'docs/reference/labels.md', content: page }];

const MODES: Readonly<Record<Plan['mode'], string>> = {
  enforce: 'Objects are hardened.',
  audit: 'Nothing is changed. The answer warns, and its audit annotations record what `enforce` would do.',
  disabled: 'Nothing happens, as without the label.',
};

const OPT_OUTS = {
  disabled: 'The rule does not run in this namespace; what it leaves alone is reported as `OptedOut`.',
  warn: 'The rule changes nothing and refuses nothing here; it reports what it would do.',
};

/** By key; a key that the answer has and that is missing here, or the other way round, is an error. */
const AUDIT: Readonly<Record<string, string>> = {
  policy: 'The name of the policy that applied.',
  mode: 'The mode that applied: `enforce` or `audit`.',
  changed: 'Rules that changed something; in audit mode, those that would have.',
  skipped: 'Rules that left something alone.',
  violated: 'Rules that found a value weaker than they ask, and left it.',
};

function page(): string {
  const [own, openShift] = UID_RANGE_ANNOTATIONS;
  const modes = Object.entries(MODES).map(([word, meaning]) => ['', code(word), meaning]);
  const optOuts = Object.entries(OPT_OUTS).map(([word, meaning]) => ['', code(word), meaning]);
  const parts = [
    '<!-- generated from src/policy, src/admission and src/hardening -->',
    '# Labels and annotations',
    `Those of kube-harden begin with \`${LABEL_PREFIX}\`. Who may change those of a namespace is told in [operations](../operations.md#who-may-change-labels).`,
    '## Labels of a namespace',
    table(
      ['label', 'value', 'meaning'],
      [
        [code(MODE_LABEL), '', 'What happens to the objects of the namespace. No label: nothing.'],
        ...modes,
        [
          '',
          'anything else',
          'As `audit`, and every answer names the value: a typo neither disables nor changes.',
        ],
        [
          code(POLICY_LABEL),
          "a HardeningPolicy's name",
          'The policy that applies. No label: the policy `default`. A name that no policy has: `default`, and every answer says so.',
        ],
        [
          code(`${LABEL_PREFIX}<rule id>`),
          '',
          'Weakens one rule, where its `optOut` in the policy is `Allowed`; else it is ignored, and every answer says so.',
        ],
        ...optOuts,
        ['', 'anything else', 'Ignored, and every answer names the value.'],
      ],
    ),
    'A label that is none of these is ignored, and every answer names it. The rules, and the command that turns each off in a namespace:',
    table(
      ['rule', 'what it is for', 'turned off by'],
      RULES.map(({ id, title }) => [
        `[${id}](../rules/${id}.md)`,
        title,
        code(`kubectl label ns NAMESPACE ${LABEL_PREFIX}${id}=disabled`),
      ]),
    ),
    '## Annotations of a namespace',
    table(
      ['annotation', 'value', 'meaning'],
      [
        [
          code(own ?? ''),
          '`first/size` or `first-last`, such as `1000680000/10000`',
          'The uids of the namespace: with `strategy: NamespaceRange` of the rule [runAsUser](../rules/runAsUser.md) its first one is uid, gid and fsGroup.',
        ],
        [code(openShift ?? ''), 'the same', `OpenShift's own; read where \`${own ?? ''}\` is not there.`],
      ],
    ),
    '## Labels of a pod',
    table(
      ['label', 'value', 'meaning'],
      [
        [
          code(COPY_LABEL),
          '`true`',
          'On the copies that `learn --verify` starts and removes, so that one that is left behind can be found. No decision reads it.',
        ],
      ],
    ),
    '## Annotations of a pod or workload',
    table(
      ['annotation', 'value', 'meaning'],
      [
        [
          code(CHANGED_ANNOTATION),
          "the changed rules' ids, separated by `, `",
          'Written on an object that was changed, on its own metadata; not on pods/ephemeralcontainers. It only grows. Anyone can forge it: it informs, and no decision reads it.',
        ],
        [
          code(MIRROR_ANNOTATION),
          'any',
          'Read: the pod of a node, which that node has created, is left alone. Of anybody else it is not believed.',
        ],
        [
          `${code(POD_SECCOMP)}<br>${code(`${SECCOMP}<container>`)}`,
          'a profile',
          'Read, and taken away under `Override`: see [seccompProfile](../rules/seccompProfile.md).',
        ],
        [
          code(`${APPARMOR}<container>`),
          'a profile',
          'Read, and taken away under `Override`: see [appArmorProfile](../rules/appArmorProfile.md).',
        ],
      ],
    ),
    "## Annotations of the certificates' Secret",
    table(
      ['annotation', 'value', 'meaning'],
      [
        [
          code(OLD_UNTIL),
          'a time (RFC 3339)',
          'Until when the certificate authorities in `old-ca.crt` are trusted. Written by the leader: see [operations](../operations.md#certificates).',
        ],
      ],
    ),
    '## Audit annotations',
    "Of an admission answer: the API server writes them into its audit log, each with the webhook's name before it. Lists hold rule ids in catalogue order, separated by `,`; where there is none they are empty. An object that is out of scope has none.",
    table(
      ['key', 'meaning'],
      auditKeys().map((key) => {
        const meaning = AUDIT[key];
        if (meaning === undefined)
          throw new Error(`labelDocs.ts says nothing of the audit annotation ${key}`);
        return [code(key), meaning];
      }),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Those that an answer has. */
function auditKeys(): string[] {
  const request: AdmissionRequest = {
    uid: 'docs',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
  };
  const nothing = { changes: [], skips: [], violations: [], patch: [], warnings: [] };
  const answer = JSON.parse(encodeReview(request, { outcome: 'unchanged', ...nothing })) as {
    response: { auditAnnotations: Record<string, string> };
  };
  return Object.keys(answer.response.auditAnnotations);
}
