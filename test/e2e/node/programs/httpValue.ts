/** The scripts of programs that keep a value by HTTP: PUT /value, then GET /value. */
export function httpValue(port: number): { readonly write: string; readonly read: string } {
  const url = `"http://$HOST:${port}/value"`;
  return {
    write: `curl -fsS --max-time 10 -X PUT --data "$VALUE" ${url}`,
    read: `curl -fsS --max-time 10 ${url}`,
  };
}
