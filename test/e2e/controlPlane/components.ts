import type { RunFolder } from '../support/runFolder.js';
import type { Credentials } from './credentials.js';

export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
}

/** What is logged of every request: enough for who did what and the webhooks' annotations, without the bodies. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata' }],
};

export function etcdArguments(folder: RunFolder, { etcd, etcdPeer }: Ports): string[] {
  const client = `http://127.0.0.1:${etcd}`;
  const peer = `http://127.0.0.1:${etcdPeer}`;
  return [
    `--data-dir=${folder.file('etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data does not outlive the run, and a disk that syncs slowly is not what is tested.
    '--unsafe-no-fsync',
  ];
}

export function apiServerArguments(
  folder: RunFolder,
  { etcd, apiServer }: Ports,
  { files }: Credentials,
): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${apiServer}`,
    // It refuses a loopback address here, and with the reconciler off it tells nobody.
    '--advertise-address=10.99.0.1',
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/16',
    `--tls-cert-file=${files.serverCert}`,
    `--tls-private-key-file=${files.serverKey}`,
    `--client-ca-file=${files.clientCa}`,
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--authorization-mode=RBAC',
    // Otherwise every privileged pod is refused before a webhook sees it.
    '--allow-privileged=true',
    `--admission-control-config-file=${folder.write('admission.json', admissionConfiguration(files))}`,
    `--audit-policy-file=${folder.write('audit-policy.json', JSON.stringify(AUDIT_POLICY))}`,
    `--audit-log-path=${folder.file('audit.log')}`,
    // MB: never rotated in a run, so that it is one file to read.
    '--audit-log-maxsize=10000',
    // Where there is a node: nobody resolves its name.
    '--kubelet-preferred-address-types=InternalIP',
    // Tests fire thousands of requests; what the API server may do at once is not their subject.
    '--max-requests-inflight=3000',
    '--max-mutating-requests-inflight=1000',
    // Ends the watches at SIGTERM; without it a graceful stop waits for them for a minute.
    '--shutdown-watch-termination-grace-period=1s',
    '--profiling=false',
    '--v=1',
  ];
}

export function controllerManagerArguments(
  folder: RunFolder,
  kubeconfig: string,
  { files }: Credentials,
): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    // Each controller acts under its own name with its own rights, as in a cluster: webhooks see that user.
    '--use-service-account-credentials',
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.serverCa}`,
    '--leader-elect=false',
    // Its own listener serves metrics that nobody reads here.
    '--secure-port=0',
    `--cert-dir=${folder.file('controller-manager')}`,
    // The defaults (20 and 30) make a test of many Deployments wait for the client, not for admission.
    '--kube-api-qps=300',
    '--kube-api-burst=500',
    '--v=1',
  ];
}

/** Gives the API server a client certificate to show, so that a webhook's --client-ca-file can be tested. */
function admissionConfiguration(files: Credentials['files']): string {
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'WebhookAdmissionConfiguration',
    kubeConfigFile: files.webhookKubeconfig,
  };
  return JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook'].map((name) => ({
      name,
      configuration,
    })),
  });
}
