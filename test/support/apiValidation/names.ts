const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

export const isDns1123Label = (value: string): boolean => value.length <= 63 && LABEL.test(value);
export const isDns1123Subdomain = (value: string): boolean => value.length <= 253 && SUBDOMAIN.test(value);
export const isLabelValue = (value: string): boolean =>
  value === '' || (value.length <= 63 && KEY_NAME.test(value));

/** IsQualifiedName: the syntax of label keys, annotation keys and resource names. */
export function isQualifiedName(value: string): boolean {
  const parts = value.split('/');
  const [first = '', second] = parts;
  const name = second ?? first;
  if (parts.length > 2 || name.length > 63 || !KEY_NAME.test(name)) return false;
  return second === undefined || isDns1123Subdomain(first);
}
