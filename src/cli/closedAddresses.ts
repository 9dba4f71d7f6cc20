import { parseIp, type IpAddress } from './ipAddress.js';

/** An address of the API server that is to be closed, and who says so. */
export interface ClosedAddress extends IpAddress {
  readonly from: string;
}

/**
 * Each address once, in the order in which they come, the first to name it named.
 *
 * @param problems what is no address is added here
 */
export function closedAddresses(
  given: readonly { readonly address: string; readonly from: string }[],
  problems: string[],
): ClosedAddress[] {
  const found = new Map<string, ClosedAddress>();
  for (const { address, from } of given) {
    const parsed = parseIp(address);
    if ('problem' in parsed) problems.push(`${from}: ${parsed.problem}`);
    else if (!found.has(parsed.text)) found.set(parsed.text, { ...parsed, from });
  }
  return [...found.values()];
}
