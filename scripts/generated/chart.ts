import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { API_VERSION, KIND } from '../../src/policy/schema.js';
import { conditional, ChartTemplate } from './chartTemplate.js';
import { chartValues, valuesSchema, valuesTable, valuesYaml, type ChartValue } from './chartValues.js';
import type { GeneratedFile } from './generatedFile.js';

/*
 * The Helm chart, from the same manifests that kustomize reads: every file becomes a template, every patch of an overlay
 * or component a condition in it. test/chart holds helm's output and kustomize's together, choice by choice.
 */

const ROOT = join(import.meta.dirname, '..', '..');
const MANIFESTS = join(ROOT, 'manifests');
const CHART = 'manifests/chart';
const PAGE = 'docs/helm.md';

interface Part {
  /** A folder of manifests/ with a kustomization. */
  readonly folder: string;
  /** Where it is part of an installation; without it, always. */
  readonly condition?: string;
  /** Of the templates' names: files of two parts may have one name. */
  readonly prefix: string;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly patches?: readonly { readonly path: string }[];
  readonly configMapGenerator?: readonly GeneratedConfigMap[];
}

interface GeneratedConfigMap {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: {
    readonly disableNameSuffixHash: true;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/** In the order in which kustomize applies their patches. */
const PARTS: readonly Part[] = [
  { folder: 'crd', condition: '.Values.crd.install', prefix: '' },
  { folder: 'base', prefix: '' },
  {
    folder: 'overlays/self-signed',
    condition: 'eq .Values.certificates "self-signed"',
    prefix: 'self-signed-',
  },
  {
    folder: 'overlays/cert-manager',
    condition: 'eq .Values.certificates "cert-manager"',
    prefix: 'cert-manager-',
  },
  { folder: 'components/preview', condition: '.Values.preview.enabled', prefix: 'preview-' },
  { folder: 'components/monitoring', condition: '.Values.monitoring.enabled', prefix: 'monitoring-' },
  { folder: 'components/fail-open', condition: '.Values.failOpen', prefix: 'fail-open-' },
  { folder: 'components/openshift', condition: '.Values.openshift', prefix: 'openshift-' },
];

const NAMESPACE = '{{ .Release.Namespace }}';

/** Where a manifest says kube-harden and means the namespace. */
const NAMESPACED: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/(?<=^[- ]*namespace: )kube-harden$/gm, NAMESPACE],
  [/(?<=kube-system, kube-public, kube-node-lease, )kube-harden(?=\])/g, NAMESPACE],
  [/(?<=matchNames: \[)kube-harden(?=\])/g, NAMESPACE],
  [/(?<=inject-ca-from: )kube-harden(?=\/)/g, NAMESPACE],
  [/(?<=\bkube-harden(-preview)?\.)kube-harden(?=\.svc\b)/g, NAMESPACE],
  // The alerts' expressions and texts.
  [/(?<=\bnamespace=")kube-harden(?=")/g, NAMESPACE],
  [/(?<=\bin namespace |\bof namespace |-n )kube-harden\b(?!-)/g, NAMESPACE],
];

const KEEP = ['annotations:', '  helm.sh/resource-policy: keep'];
const CONTAINER = ['spec', 'template', 'spec', 'containers', 0] as const;
const API_SERVER_PORTS = ['spec', 'egress', 0, 'ports'] as const;

/** What values decide beyond the choice of overlay and components, by the template's name. */
const EDITS: Readonly<Record<string, (template: ChartTemplate) => void>> = {
  'hardeningpolicies.kube-harden.io': (template) =>
    template.append(['metadata'], conditional('.Values.crd.keep', KEEP)),
  namespace: (template) => {
    template.replaceScalar(['metadata', 'name'], NAMESPACE);
    // The release's own record lies in it.
    template.append(['metadata'], KEEP);
  },
  deployment: (template) => {
    template.replaceScalar(['spec', 'replicas'], '{{ .Values.replicas }}');
    template.replaceScalar([...CONTAINER, 'image'], '{{ include "kube-harden.image" . }}');
    template.replaceBlock([...CONTAINER, 'resources'], '.Values.resources');
    template.replaceBlock(['spec', 'template', 'spec', 'nodeSelector'], '.Values.nodeSelector');
    template.append(CONTAINER, withValue('.Values.image.pullPolicy', 'imagePullPolicy: {{ . }}'));
    for (const field of ['imagePullSecrets', 'tolerations']) {
      const lines = [`${field}:`, '  {{- toYaml . | nindent 8 }}'];
      template.append(['spec', 'template', 'spec'], withValue(`.Values.${field}`, ...lines));
    }
    template.prepend(
      [...CONTAINER, 'env'],
      [
        '{{- range $name, $value := .Values.env }}',
        '- name: {{ $name }}',
        '  value: {{ $value | quote }}',
        '{{- end }}',
      ],
    );
  },
  networkPolicy: (template) =>
    template.replaceLines(API_SERVER_PORTS, [
      '{{- range .Values.apiServerPorts }}',
      '- { protocol: TCP, port: {{ . }} }',
      '{{- end }}',
    ]),
  'monitoring-serviceMonitor': addMonitoringLabels,
  'monitoring-alerts': addMonitoringLabels,
};

function addMonitoringLabels(template: ChartTemplate): void {
  template.append(
    ['metadata', 'labels'],
    withValue('.Values.monitoring.labels', '{{- toYaml . | nindent 4 }}'),
  );
}

function withValue(value: string, ...lines: readonly string[]): string[] {
  return [`{{- with ${value} }}`, ...lines, '{{- end }}'];
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function kustomizationOf(folder: string): Kustomization {
  return parse(read(`manifests/${folder}/kustomization.yaml`), { version: '1.1' }) as Kustomization;
}

interface Source {
  readonly name: string;
  readonly path: string;
  readonly condition: string | undefined;
}

/** Every manifest that the parts name. */
function sources(): Source[] {
  return PARTS.flatMap(({ folder, condition, prefix }) =>
    (kustomizationOf(folder).resources ?? [])
      .filter((resource) => resource.endsWith('.yaml'))
      .map((resource) => {
        const name = prefix + basename(resource, '.yaml');
        return {
          name,
          path: `manifests/${folder}/${resource}`,
          condition: name === 'namespace' ? '.Values.namespace.create' : condition,
        };
      }),
  );
}

interface Patch {
  readonly template: ChartTemplate;
  readonly condition: string;
}

function patches(): Patch[] {
  return PARTS.flatMap(({ folder, condition }) =>
    (kustomizationOf(folder).patches ?? []).map(({ path }) => {
      if (condition === undefined) throw new Error(`${folder} patches what it could say itself`);
      const file = `manifests/${folder}/${path}`;
      return { template: new ChartTemplate(read(file), file), condition };
    }),
  );
}

function templateOf({ name, path, condition }: Source): string {
  const template = new ChartTemplate(read(path), path);
  for (const patch of patches())
    if (template.has(patch.template)) template.merge(patch.template, patch.condition);
  EDITS[name]?.(template);
  const text = NAMESPACED.reduce(
    (all, [pattern, inPlace]) => all.replaceAll(pattern, inPlace),
    template.toString(),
  );
  return framed(path, condition, text);
}

function framed(path: string, condition: string | undefined, text: string): string {
  const head = `{{- /* Made from ${path} by scripts/generate.ts (scripts/generated/chart.ts); do not edit. */}}\n`;
  return head + (condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`);
}

interface ConfigMap extends GeneratedConfigMap {
  readonly part: Part;
}

function configMaps(): ConfigMap[] {
  return PARTS.flatMap((part) =>
    (kustomizationOf(part.folder).configMapGenerator ?? []).map((generated) => ({ ...generated, part })),
  );
}

function configMapTemplate({ name, files, options, part }: ConfigMap): string {
  const labels = Object.entries(options.labels).map(
    ([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`,
  );
  const data = keyedFiles(files).map(
    ({ key, file }) => `  ${key}: |\n    {{- .Files.Get "files/${file}" | nindent 4 }}\n`,
  );
  const text = [
    'apiVersion: v1\nkind: ConfigMap\n',
    `metadata:\n  name: ${name}\n  namespace: ${NAMESPACE}\n  labels:\n${labels.join('')}`,
    `data:\n${data.join('')}`,
  ].join('');
  return framed(`manifests/${part.folder}/kustomization.yaml`, part.condition, text);
}

function keyedFiles(files: readonly string[]): { key: string; file: string }[] {
  return files.map((entry) => {
    const [key = '', file = key] = entry.split('=');
    return { key, file };
  });
}

const POLICIES = `{{- range $name, $spec := .Values.policies }}
---
apiVersion: ${API_VERSION}
kind: ${KIND}
metadata:
  name: {{ $name | quote }}
spec:
  {{- toYaml $spec | nindent 2 }}
{{- end }}
`;

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly nodeSelector: unknown;
        readonly containers: readonly [{ readonly image: string; readonly resources: unknown }];
      };
    };
  };
}

interface NetworkPolicy {
  readonly spec: { readonly egress: readonly [{ readonly ports: readonly { readonly port: number }[] }] };
}

function values(): ChartValue[] {
  const { spec } = parse(read('manifests/base/deployment.yaml'), { version: '1.1' }) as Deployment;
  const [container] = spec.template.spec.containers;
  const network = parse(read('manifests/base/networkPolicy.yaml'), { version: '1.1' }) as NetworkPolicy;
  return chartValues({
    image: container.image.replace(/:.*/, ''),
    replicas: spec.replicas,
    resources: container.resources,
    nodeSelector: spec.template.spec.nodeSelector,
    apiServerPorts: network.spec.egress[0].ports.map(({ port }) => port),
  });
}

const HEAD =
  '# Made by scripts/generate.ts (scripts/generated/chartValues.ts); do not edit. Set what you change in a file of your own.\n';

function chartYaml(): string {
  const { version, description } = JSON.parse(read('package.json')) as {
    version: string;
    description: string;
  };
  return `# Made from package.json by scripts/generate.ts (scripts/generated/chart.ts); do not edit.
apiVersion: v2
name: kube-harden
description: ${description}
type: application
version: ${version}
appVersion: ${JSON.stringify(version)}
# The labels' policy is a ValidatingAdmissionPolicy, and preStop sleeps by itself.
kubeVersion: '>=1.30.0-0'
`;
}

const TABLE = /(?<=<!-- values -->\n)[\s\S]*?(?=<!-- end of values -->)/;

function page(): string {
  const text = existsSync(join(ROOT, PAGE)) ? read(PAGE) : '';
  if (!TABLE.test(text)) throw new Error(`${PAGE} has no place for the values' table`);
  return text.replace(TABLE, () => `\n${valuesTable(values())}\n\n`);
}

function files(): readonly GeneratedFile[] {
  const templates = sources().map((source) => ({
    path: `${CHART}/templates/${source.name}.yaml`,
    content: () => templateOf(source),
  }));
  const generated = configMaps().flatMap((configMap) => [
    {
      path: `${CHART}/templates/${configMap.name.replace(/^kube-harden-/, configMap.part.prefix)}.yaml`,
      content: () => configMapTemplate(configMap),
    },
    ...keyedFiles(configMap.files).map(({ file }) => ({
      path: `${CHART}/files/${file}`,
      content: () => read(`manifests/${configMap.part.folder}/${file}`),
    })),
  ]);
  return [
    { path: `${CHART}/Chart.yaml`, content: chartYaml },
    { path: `${CHART}/values.yaml`, content: () => valuesYaml(values(), HEAD) },
    { path: `${CHART}/values.schema.json`, content: () => valuesSchema(values()) },
    ...templates,
    ...generated,
    {
      path: `${CHART}/templates/policies.yaml`,
      content: () => framed('the value policies', undefined, POLICIES),
    },
    { path: PAGE, content: page },
  ];
}

export const chartFiles: readonly GeneratedFile[] = files();

/** Overlays and components of which the chart knows nothing. */
export function unknownParts(): string[] {
  const known = PARTS.map(({ folder }) => folder);
  return ['overlays', 'components']
    .flatMap((kind) => readdirSync(join(MANIFESTS, kind)).map((name) => `${kind}/${name}`))
    .filter((folder) => !known.includes(folder));
}
