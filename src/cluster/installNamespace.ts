/** Where the manifests install kube-harden. */
export const INSTALL_NAMESPACE = 'kube-harden';
