import type { ApiClient, ApiObject } from '../cluster/apiClient.js';
import { ApiError, isForbidden } from '../cluster/apiError.js';
import { listAll } from '../cluster/listAll.js';
import { isRecord } from '../hardening/locate.js';
import type { ReportedDiagnosis, SetUpFinding } from './report.js';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const OURS = 'enforce.kube-harden.io';

/**
 * Whether the webhook is there for namespaces that ask for it: its configuration, the CA in it, and a ready endpoint of
 * its Service.
 *
 * @param asking the namespaces that ask for enforce
 * @param tell told what may not be read; nothing is said of that then
 */
export async function webhookProblems(
  api: ApiClient,
  asking: readonly string[],
  tell: (line: string) => void,
): Promise<ReportedDiagnosis[]> {
  const [first] = asking;
  if (first === undefined) return [];
  const configurations = await readOr(() => listAll(api, CONFIGURATIONS), 'the webhook', tell);
  if (configurations === undefined) return [];
  const found = configurations.flatMap((configuration) => {
    const entry = entriesOf(configuration).find(({ name }) => name === OURS);
    return entry ? [{ name: configuration.metadata?.name ?? '', entry }] : [];
  });
  const [ours] = found;
  const finding = ours ? await entryProblem(api, ours.entry, ours.name, tell) : notInstalled(asking);
  if (finding === undefined) return [];
  return [
    {
      namespace: first,
      object: `mutatingwebhookconfiguration/${ours?.name ?? 'kube-harden'}`,
      state: 'broken',
      symptom: ours ? 'the webhook cannot be called' : 'it is not there',
      findings: [finding],
      missing: [],
    },
  ];
}

function notInstalled(asking: readonly string[]): SetUpFinding {
  const [first = '', ...others] = asking;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return {
    signature: 'webhookNotInstalled',
    certainty: 'certain',
    cause: 'No webhook of kube-harden is registered: nothing is hardened, whatever the labels say.',
    evidence: [
      { source: 'object', at: `label of namespace ${first}${more}`, text: 'kube-harden.io/mode=enforce' },
    ],
    remedies: [
      {
        kind: 'policy',
        what: 'Install it.',
        paste: 'kubectl apply --server-side -k manifests/overlays/self-signed',
      },
    ],
  };
}

type Entry = Readonly<Record<string, unknown>>;

async function entryProblem(
  api: ApiClient,
  entry: Entry,
  configuration: string,
  tell: (line: string) => void,
): Promise<SetUpFinding | undefined> {
  const client = isRecord(entry['clientConfig']) ? entry['clientConfig'] : {};
  const service = isRecord(client['service']) ? client['service'] : undefined;
  const at = `mutatingwebhookconfiguration ${configuration}, entry ${OURS}`;
  const logs = 'kubectl -n kube-harden logs deploy/kube-harden --tail=20';
  if (service && !client['caBundle'])
    return {
      signature: 'webhookWithoutCa',
      certainty: 'certain',
      cause: 'No CA stands in the configuration yet, so the API server trusts no certificate of the webhook.',
      evidence: [{ source: 'object', at, text: 'clientConfig.caBundle is empty' }],
      remedies: [{ kind: 'policy', what: 'See why it is not written.', paste: logs }],
    };
  if (!service) return undefined;
  const [namespace, name] = [String(service['namespace']), String(service['name'])];
  const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;
  const query = { labelSelector: `kubernetes.io/service-name=${name}` };
  const slices = await readOr(() => listAll(api, path, query), 'the endpoints of the webhook', tell);
  if (slices === undefined || slices.some(hasReady)) return undefined;
  return {
    signature: 'webhookDown',
    certainty: 'certain',
    cause:
      'No replica of the webhook is ready: the API server refuses every pod of the namespaces in enforce, or makes it unhardened where failurePolicy is Ignore.',
    evidence: [
      { source: 'object', at: `endpoints of service ${namespace}/${name}`, text: 'no address is ready' },
    ],
    remedies: [
      { kind: 'policy', what: 'See what its pods lack.', paste: `kubectl -n ${namespace} get pods -o wide` },
    ],
  };
}

function entriesOf(configuration: ApiObject): Entry[] {
  const list: unknown = configuration['webhooks'];
  return (Array.isArray(list) ? list : []).filter(isRecord);
}

/** Ready unless it says otherwise (discovery/v1: nil is to be taken for true). */
function hasReady(slice: ApiObject): boolean {
  const list: unknown = slice['endpoints'];
  return (Array.isArray(list) ? list : [])
    .filter(isRecord)
    .some((endpoint) => !isRecord(endpoint['conditions']) || endpoint['conditions']['ready'] !== false);
}

async function readOr<T>(
  read: () => Promise<T>,
  what: string,
  tell: (line: string) => void,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isForbidden(error) && !(error instanceof ApiError && error.status === 404)) throw error;
    tell(`${what}: ${error.message}`);
    return undefined;
  }
}
