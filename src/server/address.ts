import type { AddressInfo } from 'node:net';

/** Where a listener binds. Without a host: all addresses, IPv4 and IPv6. Port 0: any free port. */
export interface BindAddress {
  readonly host?: string;
  readonly port: number;
}

/** Reads `:8443`, `127.0.0.1:8443`, `localhost:8443`, `[::1]:8443`; the message says what is wrong with anything else. */
export function parseBindAddress(text: string): BindAddress | { readonly message: string } {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]/\s]*)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null) {
    if (/^\d+$/.test(text)) return { message: `a port needs a colon in front: ":${text}"` };
    if (/^[0-9a-fA-F:]*:[0-9a-fA-F:]*:\d+$/.test(text)) {
      return { message: 'an IPv6 address stands in brackets, as in "[::1]:8443"' };
    }
    return { message: 'an address is ":8443", "127.0.0.1:8443", "name:8443" or "[::1]:8443"' };
  }
  if (port > 65_535) return { message: `port ${match[3]} is above 65535` };
  const host = match[1] ?? match[2] ?? '';
  return host === '' ? { port } : { host, port };
}

/** The address as a browser on this machine would type it: `localhost:8443` where all addresses are bound. */
export function displayAddress({ address, family, port }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return `localhost:${port}`;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
