/**
 * The records `LENGTH KEY=VALUE\n` of a PAX extended header. Values are bytes: a file capability is no text, and is lost
 * where one reads it as UTF-8. What follows a malformed record is left out.
 * Source: POSIX.1-2017, pax, "pax Extended Header".
 */
export function paxRecords(header: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  let start = 0;
  while (start < header.length) {
    const space = header.indexOf(0x20, start);
    const length = space < 0 ? NaN : Number(header.toString('latin1', start, space));
    const end = start + length;
    if (!Number.isInteger(length) || end <= space + 1 || end > header.length) break;
    const equals = header.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) break;
    // Copied, for the header is much larger than what is kept of it.
    records.set(
      header.toString('utf8', space + 1, equals),
      Buffer.from(header.subarray(equals + 1, end - 1)),
    );
    start = end;
  }
  return records;
}
