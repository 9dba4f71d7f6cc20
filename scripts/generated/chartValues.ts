import { Command } from 'commander';
import { stringify } from 'yaml';
import { addServeFlags, environmentName } from '../../src/cli/serveFlags.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** One value of the chart: what values.yaml, values.schema.json and the table of docs/helm.md say of it. */
export interface ChartValue {
  /** As `--set` takes it. */
  readonly path: string;
  /** Sentences, without line breaks. */
  readonly description: string;
  readonly default: unknown;
  /** JSON Schema draft-07, without default and description. */
  readonly schema: JsonSchema;
}

/** What the manifests say where a value of the chart is not set. */
export interface ManifestDefaults {
  readonly image: string;
  readonly replicas: number;
  readonly resources: unknown;
  readonly nodeSelector: unknown;
  readonly apiServerPorts: readonly number[];
}

const TEXT = { type: 'string' } as const;
const SWITCH = { type: 'boolean' } as const;
/** As k8s.io/apimachinery reads them, without a sign. */
const QUANTITY = '^([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$';
const QUANTITIES = {
  type: 'object',
  additionalProperties: { type: ['string', 'number'], pattern: QUANTITY },
} as const;
const LABELS = { type: 'object', additionalProperties: TEXT } as const;

/** Those flags of serve that the chart neither sets itself nor would have to mount something for. */
const ENVIRONMENT = [
  '--log-level',
  '--log-format',
  '--log-decisions',
  '--certificate-duration',
  '--ca-duration',
];

/** In the order of values.yaml. */
export function chartValues(defaults: ManifestDefaults): ChartValue[] {
  return [
    {
      path: 'image.repository',
      description:
        'The image, without tag. There is none in a public registry: build it from the Dockerfile, push it where your nodes can pull from, and name it here.',
      default: defaults.image,
      schema: { ...TEXT, minLength: 1 },
    },
    {
      path: 'image.tag',
      description: "The image's tag. Empty: the chart's appVersion.",
      default: '',
      schema: TEXT,
    },
    {
      path: 'image.digest',
      description: "The image's digest, which wins over the tag. Empty: none.",
      default: '',
      schema: { ...TEXT, pattern: '^(sha256:[0-9a-f]{64})?$' },
    },
    {
      path: 'image.pullPolicy',
      description: 'When the kubelet pulls the image. Empty: as Kubernetes decides by the tag.',
      default: '',
      schema: { enum: ['', 'Always', 'IfNotPresent', 'Never'] },
    },
    {
      path: 'imagePullSecrets',
      description: 'Secrets of the namespace with which the image is pulled, each as {name: ...}.',
      default: [],
      schema: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: { name: { ...TEXT, description: "The Secret's name." } },
        },
      },
    },
    {
      path: 'replicas',
      description:
        'How many pods answer. With one, no pod can be created in enforce namespaces while its node is drained or lost.',
      default: defaults.replicas,
      schema: { type: 'integer', minimum: 1, maximum: 50 },
    },
    {
      path: 'resources',
      description:
        "The container's requests and limits. Memory holds the bodies in flight (128 MiB at most, taken twice at times), one decoded body, the process, and the thread of large previews.",
      default: defaults.resources,
      schema: {
        type: 'object',
        additionalProperties: false,
        properties: {
          requests: { ...QUANTITIES, description: 'What the scheduler reserves, by resource.' },
          limits: { ...QUANTITIES, description: 'What the container may not exceed, by resource.' },
        },
      },
    },
    {
      path: 'nodeSelector',
      description: 'Labels of the nodes on which the pods may run.',
      default: defaults.nodeSelector,
      schema: LABELS,
    },
    {
      path: 'tolerations',
      description: 'Taints that the pods tolerate, as in a pod: for nodes of the control plane, for example.',
      default: [],
      schema: { type: 'array', items: { type: 'object' } },
    },
    {
      path: 'apiServerPorts',
      description:
        'Ports to which the NetworkPolicy lets the server connect, for the API server: that of its Service, and those on which API servers listen, since most networks judge by these. MicroK8s has 16443, minikube 8443.',
      default: defaults.apiServerPorts,
      schema: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 1, maximum: 65535 } },
    },
    {
      path: 'env',
      description: `Settings of the server, by their environment variable: ${environment()
        .map(({ name }) => name)
        .join(', ')}. Values are strings.`,
      default: {},
      schema: {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          environment().map(({ name, text }) => [name, { ...TEXT, description: text }]),
        ),
      },
    },
    {
      path: 'certificates',
      description:
        'Where certificates come from. "self-signed": the server makes and renews them itself. "cert-manager": cert-manager does, which has to be there first, with its cainjector.',
      default: 'self-signed',
      schema: { enum: ['self-signed', 'cert-manager'] },
    },
    {
      path: 'preview.enabled',
      description: 'Turns the preview on, for those who have the ClusterRole kube-harden-preview.',
      default: false,
      schema: SWITCH,
    },
    {
      path: 'monitoring.enabled',
      description:
        'Adds a ServiceMonitor, alerts and a Grafana dashboard. The Prometheus operator has to be there first.',
      default: false,
      schema: SWITCH,
    },
    {
      path: 'monitoring.labels',
      description:
        'Labels by which your Prometheus picks ServiceMonitors and rules: kube-prometheus-stack wants {release: NAME}.',
      default: {},
      schema: LABELS,
    },
    {
      path: 'failOpen',
      description:
        'Availability before enforcement: while no replica answers, the pods of enforce namespaces are created unhardened instead of being refused. Nobody is told, and they stay so.',
      default: false,
      schema: SWITCH,
    },
    {
      path: 'openshift',
      description:
        "Lets OpenShift's own controller write the uid range of new projects, and the server run under the SCC nonroot-v2. Only there: elsewhere it is a hole.",
      default: false,
      schema: SWITCH,
    },
    {
      path: 'policies',
      description:
        'HardeningPolicies by name, each as its spec. One named default, baseline or restricted takes the place of the built-in one. Their CRD has to be in the cluster already: set them with the first upgrade rather than with the install.',
      default: {},
      schema: {
        type: 'object',
        propertyNames: { pattern: '^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$' },
        additionalProperties: { type: 'object' },
      },
    },
    {
      path: 'namespace.create',
      description:
        "Makes the release's namespace an object of the chart, with its Pod Security labels. For `helm template | kubectl apply` and GitOps; `helm install` needs the namespace before it makes anything.",
      default: false,
      schema: SWITCH,
    },
    {
      path: 'crd.install',
      description: 'Installs the CRD HardeningPolicy, and upgrades it with the chart.',
      default: true,
      schema: SWITCH,
    },
    {
      path: 'crd.keep',
      description:
        'Leaves the CRD where it is when the release is uninstalled: with it, every HardeningPolicy would go.',
      default: true,
      schema: SWITCH,
    },
  ];
}

/** Of the groups, which have a dot in their values' paths. */
const GROUPS: Readonly<Record<string, string>> = {
  image: 'The image of the server.',
  preview: 'The preview: what would hardening do to a manifest.',
  monitoring: 'For the Prometheus operator and Grafana.',
  namespace: 'The namespace of the release, in which all but the cluster-wide objects lie.',
  crd: 'The CRD HardeningPolicy.',
};

function environment(): { name: string; text: string }[] {
  const { options } = addServeFlags(new Command());
  return ENVIRONMENT.map((flag) => {
    const option = options.find(({ long }) => long === flag);
    if (option === undefined) throw new Error(`serve has no flag ${flag}`);
    return { name: environmentName(flag), text: sentence(option.description) };
  });
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const COMMENT_WIDTH = 118;

/** values.yaml: every value with its default, below what it means. */
export function valuesYaml(values: readonly ChartValue[], head: string): string {
  let text = head;
  let open = '';
  for (const { path, description, default: byDefault } of values) {
    const [group = '', inner] = path.split('.');
    const indent = inner === undefined ? '' : '  ';
    if (inner === undefined || group !== open) text += '\n';
    if (inner !== undefined && group !== open) text += `${comment(groupText(group), '')}${group}:\n`;
    open = inner === undefined ? '' : group;
    text += comment(description, indent);
    text += stringify({ [inner ?? group]: byDefault }, { singleQuote: true }).replaceAll(/^(?=.)/gm, indent);
  }
  return text;
}

function groupText(group: string): string {
  const text = GROUPS[group];
  if (text === undefined) throw new Error(`say what the values of ${group} are`);
  return text;
}

function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && `${indent}# ${last} ${word}`.length <= COMMENT_WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('');
}

/**
 * values.schema.json. Every value is required, though all have a default: one that is set to null is taken away, and one
 * that `--reuse-values` brings from an older chart may be missing.
 */
export function valuesSchema(values: readonly ChartValue[]): string {
  const properties: Record<string, Record<string, unknown>> = {};
  for (const { path, description, default: byDefault, schema } of values) {
    const [group = '', inner] = path.split('.');
    const property = { description, default: byDefault, ...schema };
    if (inner === undefined) properties[group] = property;
    else {
      const known = (properties[group]?.['properties'] ?? {}) as Record<string, unknown>;
      properties[group] = { description: groupText(group), ...closed({ ...known, [inner]: property }) };
    }
  }
  // helm gives it to every subchart (helm/helm#10392), so that without it this chart could be none.
  const global = {
    description: "Helm's own: what a parent chart shares with its subcharts. Not used here.",
    type: 'object',
  };
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart kube-harden',
    ...closed(properties),
    properties: { ...properties, global },
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function closed(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
}

/** The table of docs/helm.md. */
export function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(
    ({ path, description, default: byDefault }) =>
      `| \`${path}\` | \`${JSON.stringify(byDefault)}\` | ${description.replaceAll('|', String.raw`\|`)} |`,
  );
  return ['| value | default | what it does |', '|---|---|---|', ...rows].join('\n');
}
