import type { KubernetesObject } from '../../../src/admission/types.js';

export interface ReviewDetails {
  readonly uid?: string;
  /** The five letters of the token volume's name. */
  readonly letters?: string;
  /** The time in managedFields. */
  readonly time?: string;
  readonly namespace?: string;
}

/** A review of a Pod's creation as kube-apiserver writes it, for a pod of `controllerPod`. */
export function apiServerReview(
  { metadata, spec }: KubernetesObject,
  {
    uid = '705ab4f5-6393-11e8-b7cc-42010a800002',
    letters = 'x7k2p',
    time = '2026-11-20T10:00:00Z',
    namespace = 'shop',
  }: ReviewDetails = {},
): string {
  const ours = { ...metadata };
  delete ours['managedFields'];
  const managedFields = [
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } } } },
    },
  ];
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:serviceaccounts', 'system:authenticated'],
      },
      object: { kind: 'Pod', apiVersion: 'v1', metadata: { ...ours, managedFields }, spec, status: {} },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
  return JSON.stringify(review).replaceAll('kube-api-access-x7k2p', `kube-api-access-${letters}`);
}
