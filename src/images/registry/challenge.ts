/** How a registry wants to be asked. Source: RFC 9110, 11.6.1; distribution spec, "Token Authentication". */
export type Challenge =
  | { readonly scheme: 'Basic' }
  | {
      readonly scheme: 'Bearer';
      readonly realm: string;
      readonly service?: string | undefined;
      readonly scope?: string | undefined;
    };

const PARAMETER = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** Reads WWW-Authenticate. Of several challenges the one for a token comes first; undefined: none that we can answer. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /(?:^|[\s,])Bearer\s+(.*)$/i.exec(header)?.[1];
  if (bearer !== undefined) {
    const fields = new Map<string, string>();
    for (const [, name = '', quoted, plain = ''] of bearer.matchAll(PARAMETER)) {
      const key = name.toLowerCase();
      // A further challenge repeats the names: the first one counts.
      if (!fields.has(key)) fields.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? plain);
    }
    const realm = fields.get('realm');
    if (realm !== undefined) {
      return { scheme: 'Bearer', realm, service: fields.get('service'), scope: fields.get('scope') };
    }
  }
  return /(?:^|[\s,])Basic\b/i.test(header) ? { scheme: 'Basic' } : undefined;
}
