import { paxRecords } from '../images/archive/paxRecords.js';
import { parseFileCapability } from '../images/fileCapability.js';
import { capabilityName } from '../hardening/capabilityNames.js';
import type { Section } from './sections.js';

const BLOCK = 512;
/** The attribute's name in a PAX record. Source: GNU tar, xheader.c. */
const RECORD = 'SCHILY.xattr.security.capability';

/**
 * What CAPABILITIES_SCRIPT prints: of each program the capabilities that its file carries, none where it carries none.
 *
 * - `getcap`: `/usr/bin/x cap_net_bind_service=ep`
 * - `getfattr`: `security.capability=0x0100000200...`
 * - `tar`: the bytes of an archive's head, in hexadecimal
 */
export function readFileCapabilities(sections: readonly Section[]): Record<string, readonly string[]> {
  const found: Record<string, readonly string[]> = {};
  for (const { name, argument: path, lines } of sections) {
    if (name === 'getcap') found[path] = ofGetcap(lines.join('\n'));
    else if (name === 'getfattr')
      found[path] = ofAttribute(/^security\.capability=0x([0-9a-f]+)$/m.exec(lines.join('\n'))?.[1]);
    else if (name === 'tar') {
      const archive = Buffer.from(lines.join('').replace(/\s/g, ''), 'hex');
      // An archive that begins with nothing says nothing.
      if (archive.length >= BLOCK) found[path] = ofArchive(archive);
    }
  }
  return found;
}

function ofGetcap(text: string): string[] {
  const sets = /\s(?:= )?(cap_\S+?)[=+]/.exec(text)?.[1];
  return sets === undefined ? [] : sets.split(',').map(capabilityName);
}

function ofAttribute(hex: string | undefined): readonly string[] {
  return hex === undefined ? [] : (parseFileCapability(Buffer.from(hex, 'hex'))?.permitted ?? []);
}

/** The first member is an extended header where there is anything to extend. Source: POSIX.1-2017, pax. */
function ofArchive(archive: Buffer): readonly string[] {
  const isExtended = archive.toString('latin1', 156, 157) === 'x';
  if (!isExtended) return [];
  const size = parseInt(archive.toString('latin1', 124, 136), 8);
  const value = paxRecords(archive.subarray(BLOCK, BLOCK + size)).get(RECORD);
  return value === undefined ? [] : (parseFileCapability(value)?.permitted ?? []);
}
