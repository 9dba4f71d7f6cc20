/** A POST to /mutate as bytes, for a connection on which a test writes what it likes. */
export function rawRequest(body: string, path = '/mutate?timeout=5s'): string {
  return `${rawHead(`Content-Length: ${Buffer.byteLength(body)}`, path)}${body}`;
}

/** Its head alone, with these headers more. */
export function rawHead(headers: string, path = '/mutate?timeout=5s'): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`;
}
