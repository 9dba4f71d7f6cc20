const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Whether JSON has more than `limit` fields, objects or lists, without reading it: objects of many different keys, or of the
 * same in many orders, cost JSON.parse ten times as much a byte as all else, and millions of small ones seconds.
 *
 * @param json what is not valid JSON may have any answer
 */
export function hasMoreParts(json: Uint8Array, limit: number): boolean {
  // As good as always.
  if (json.length <= limit) return false;
  let fields = 0;
  let objects = 0;
  let lists = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) {
      // What follows is escaped: a quote there does not end the text.
      if (byte === BACKSLASH) at += 1;
    } else if (byte === COLON) fields += 1;
    else if (byte === BRACE) objects += 1;
    else if (byte === BRACKET) lists += 1;
    if (fields > limit || objects > limit || lists > limit) return true;
  }
  return false;
}
