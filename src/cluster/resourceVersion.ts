/**
 * Whether a resourceVersion is later than another of the same resource. They are decimal numbers that only grow
 * (promised since Kubernetes 1.35, KEP-5504; true of every etcd before), too large for a double.
 */
export function isLater(version: string, than: string): boolean {
  if (version.length !== than.length) return version.length > than.length;
  return version > than;
}
