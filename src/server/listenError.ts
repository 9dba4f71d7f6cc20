import type { BindAddress } from './address.js';

/** Thrown when a listener cannot bind its address; the message names the flag and what to do. */
export class ListenError extends Error {
  readonly code = 'Listen';
  constructor(listener: string, address: BindAddress, cause: NodeJS.ErrnoException) {
    const host = address.host ?? '';
    const shown = host.includes(':') ? `[${host}]:${address.port}` : `${host}:${address.port}`;
    super(`--${listener}-bind-address ${shown}: ${explain(cause, host, address.port)}`, { cause });
    this.name = 'ListenError';
  }
}

function explain({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `the port is taken; stop what listens there, or choose another one, such as ${host.includes(':') ? `[${host}]` : host}:${port + 1}`;
    case 'EACCES':
      return 'not permitted; choose a port above 1023';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; choose one it has, or no host for all';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name "${host}" cannot be resolved; give an address instead`;
    default:
      return message;
  }
}
