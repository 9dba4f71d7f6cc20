import { isIP } from 'node:net';

/** An address in the one form in which it is compared and written. */
export interface IpAddress {
  readonly text: string;
  readonly family: 4 | 6;
}

/** Where no API server can be reached from a pod. */
const NOWHERE: readonly (readonly [form: RegExp, what: string])[] = [
  [/^(?:0\.0\.0\.0|::)$/, 'the unspecified address'],
  [/^(?:127\.|::1$)/, "a loopback address, which is each pod's own"],
  [/^(?:22[4-9]|23\d)\.|^ff/, 'a multicast address'],
];

/** @returns the address, or what is wrong with it */
export function parseIp(text: string): IpAddress | { readonly problem: string } {
  if (text.includes('/')) return { problem: `"${text}" is a range; give each address` };
  const family = text.includes('%') ? 0 : isIP(text);
  if (family !== 4 && family !== 6) return { problem: `"${text}" is not an IPv4 or IPv6 address` };
  const canonical = family === 4 ? text : canonicalV6(text);
  if (canonical.startsWith('::ffff:'))
    return { problem: `"${text}" is an IPv4 address in the form of an IPv6 one; give it as IPv4` };
  const what = NOWHERE.find(([form]) => form.test(canonical))?.[1];
  return what === undefined ? { text: canonical, family } : { problem: `"${text}" is ${what}` };
}

/** An address with the number of bits that count. */
export interface IpRange {
  /** @example `10.244.0.0/16` */
  readonly text: string;
  readonly family: 4 | 6;
}

/** @returns the range, or what is wrong with it */
export function parseRange(text: string): IpRange | { readonly problem: string } {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = address.includes('%') ? 0 : isIP(address);
  if ((family !== 4 && family !== 6) || Number(bits) > (family === 4 ? 32 : 128))
    return { problem: `"${text}" is not a range of addresses such as 10.244.0.0/16` };
  return { text: `${family === 4 ? address : canonicalV6(address)}/${Number(bits)}`, family };
}

/** RFC 5952: lower case, no leading zeros, the longest run of zeros as `::`. */
function canonicalV6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}
