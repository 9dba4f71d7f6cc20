/** What a reader says of the cluster that the objects would go to. Empty strings are left out. */
export interface Choices {
  readonly namespace: string;
  readonly policy: string;
  readonly mode: string;
  /** Of the Pod Security Standards. */
  readonly version: string;
  /** As typed: `key=value`, separated by blanks or commas. */
  readonly labels: string;
  /** Ids of the rules that are switched off. */
  readonly off: readonly string[];
}

/** The address to ask, with its query. */
export function previewUrl({ namespace, policy, mode, version, labels, off }: Choices): string {
  const query = new URLSearchParams();
  const given = { namespace, policy, mode, podSecurityVersion: version };
  for (const [name, value] of Object.entries(given)) if (value !== '') query.append(name, value);
  const typed = labels.split(/[\s,]+/).filter((label) => label !== '');
  for (const label of [...typed, ...off.map((rule) => `kube-harden.io/${rule}=disabled`)]) {
    query.append('label', label);
  }
  return query.size === 0 ? '/preview' : `/preview?${query.toString()}`;
}
