import { randomUUID } from 'node:crypto';
import { request } from 'node:https';
import type { PemPair } from '../../../src/server/certificateAuthority.js';
import type { KubeHarden } from './kubeHarden.js';

export interface AdmissionReply {
  readonly status: number;
  readonly text: string;
  /** The response of an AdmissionReview; undefined where the answer is an error. */
  readonly response: { readonly allowed: boolean; readonly patch?: string } | undefined;
}

export interface AdmissionCallOptions {
  readonly entry?: 'enforce' | 'audit';
  /** The certificate shown to the replica. */
  readonly client?: PemPair;
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
};

/**
 * Asks a replica itself about a pod, as an API server would: for the time in which there is none.
 *
 * @throws Error where the connection or the handshake fails
 */
export function callReplica(
  { admissionPort }: KubeHarden,
  namespace: string,
  { entry = 'enforce', client }: AdmissionCallOptions = {},
): Promise<AdmissionReply> {
  const review = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace,
      name: 'web',
      userInfo: { username: 'jane' },
      object: { ...POD, metadata: { name: 'web', namespace } },
    },
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: admissionPort,
        path: `/mutate/${entry}?timeout=5s`,
        method: 'POST',
        agent: false,
        // Whom it trusts is not this caller's subject.
        rejectUnauthorized: false,
        ...client,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(review) },
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('error', reject);
        res.on('end', () => {
          const status = res.statusCode ?? 0;
          const answer = JSON.parse(text) as { response?: AdmissionReply['response'] };
          resolve({ status, text, response: status === 200 ? answer.response : undefined });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(review);
  });
}

/** Whether the answer hardens the pod; false where it lets it through as it is. */
export function hardens({ status, response }: AdmissionReply): boolean {
  return status === 200 && response?.allowed === true && response.patch !== undefined;
}
