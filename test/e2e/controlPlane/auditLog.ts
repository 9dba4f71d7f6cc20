import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** One request as the API server logged it when it was answered (level Metadata). */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string; readonly message?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  /** With those of webhooks, as `<webhook>/<key>`. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AuditFilter {
  readonly verb?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly user?: string;
  readonly since?: Date;
  readonly where?: (event: AuditEvent) => boolean;
}

const REFERENCE = ['resource', 'subresource', 'namespace', 'name'] as const;

/** The audit log, read on from where it was read to the last time. */
export class AuditLog {
  private readonly read: AuditEvent[] = [];
  private offset = 0;
  private rest = Buffer.alloc(0);

  constructor(private readonly file: string) {}

  events(filter: AuditFilter = {}): AuditEvent[] {
    this.readOn();
    return this.read.filter((event) => matches(event, filter));
  }

  private readOn(): void {
    const { size } = statSync(this.file);
    if (size === this.offset) return;
    const added = Buffer.alloc(size - this.offset);
    const file = openSync(this.file, 'r');
    let count: number;
    try {
      count = readSync(file, added, 0, added.length, this.offset);
    } finally {
      closeSync(file);
    }
    this.offset += count;
    const all = Buffer.concat([this.rest, added.subarray(0, count)]);
    const end = all.lastIndexOf('\n') + 1;
    // A line that is being written is read the next time.
    this.rest = all.subarray(end);
    for (const line of all.subarray(0, end).toString().split('\n')) {
      if (line !== '') this.read.push(JSON.parse(line) as AuditEvent);
    }
  }
}

function matches(event: AuditEvent, { since, where, user, verb, ...reference }: AuditFilter): boolean {
  if (verb !== undefined && event.verb !== verb) return false;
  if (user !== undefined && event.user.username !== user) return false;
  if (since !== undefined && Date.parse(event.requestReceivedTimestamp) < since.getTime()) return false;
  const isReferred = REFERENCE.every(
    (key) => reference[key] === undefined || event.objectRef?.[key] === reference[key],
  );
  return isReferred && (where?.(event) ?? true);
}
