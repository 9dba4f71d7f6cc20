import type { ApiServer } from '../cluster/support/apiServer.js';
import { NAMESPACES, POLICIES, namespaceObject } from '../system/faults/support/clusterProcess.js';
import { servingPair, writePair } from '../system/support/certificates.js';

/** So many namespaces at a time; one goes and one comes with each change. */
const NAMESPACES_KEPT = 50;
const MODES = ['enforce', 'audit', 'disabled'] as const;

export interface SoakNamespace {
  readonly name: string;
  readonly mode: (typeof MODES)[number];
}

/** Namespaces, policies and the certificate of a replica, all of which change. */
export class ChangingWorld {
  changes = 0;
  certificates = 0;
  private readonly namespaces: SoakNamespace[] = [];
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: ApiServer,
    private readonly certificate: { readonly certFile: string; readonly keyFile: string },
  ) {
    api.put(NAMESPACES, namespaceObject('shop'));
    for (let n = 0; n < NAMESPACES_KEPT; n += 1) this.addNamespace();
    this.changePolicy();
  }

  /** One that exists. */
  namespace(): SoakNamespace {
    const { namespaces } = this;
    const found = namespaces[Math.floor(Math.random() * namespaces.length)];
    if (found === undefined) throw new Error('there is no namespace');
    return found;
  }

  start(everyMs: number): void {
    this.timer = setInterval(() => this.change(), everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
  }

  private change(): void {
    this.changes += 1;
    this.addNamespace();
    // The oldest is no longer asked about when it goes.
    const gone = this.namespaces.shift();
    if (gone !== undefined) setTimeout(() => this.api.remove(NAMESPACES, gone.name), 2000).unref();
    this.changePolicy();
    if (this.changes % 3 === 0) this.last = this.changeCertificate();
    // What watches have been told of is not kept here for ever.
    if (this.changes % 20 === 0) this.api.compact();
  }

  private addNamespace(): void {
    const name = `soak-${this.changes}-${this.namespaces.length}`;
    const mode = MODES[this.changes % MODES.length] ?? 'enforce';
    this.api.put(
      NAMESPACES,
      namespaceObject(name, { mode, policy: this.changes % 2 === 0 ? 'soak' : 'default' }),
    );
    this.namespaces.push({ name, mode });
  }

  private changePolicy(): void {
    const action = this.changes % 2 === 0 ? 'Deny' : 'Warn';
    const broken = this.changes % 5 === 4;
    this.api.put(POLICIES, {
      apiVersion: 'kube-harden.io/v1alpha1',
      kind: 'HardeningPolicy',
      metadata: { name: 'soak', generation: this.changes + 1, uid: 'soak' },
      spec: { rules: { privileged: { action: broken ? 'Perhaps' : action } } },
    });
  }

  private async changeCertificate(): Promise<void> {
    writePair(this.certificate.certFile, this.certificate.keyFile, await servingPair());
    this.certificates += 1;
  }
}
