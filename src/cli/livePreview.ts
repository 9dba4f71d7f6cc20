import type { AdmissionRequest, KubernetesObject, UserInfo } from '../admission/types.js';
import type { Plan } from '../hardening/plan.js';
import type { Manifest } from '../preview/manifests.js';
import { podOf, preview, requestOf, type Preview } from '../preview/preview.js';
import type { PreviewResult } from '../preview/result.js';
import { compare, type Compared } from './liveCompare.js';
import { creatable, dryRunCreate, isInstalled, renamed, whoAmI } from './liveDryRun.js';
import type { LiveSettings } from './livePlanSettings.js';
import { podOfTemplate } from './liveProbe.js';
import type { SourcePreview } from './previewSources.js';

/** What was predicted of an object, and what the cluster answered to it. */
export interface LiveResult extends PreviewResult {
  /** Empty for a kind that has no pod: nothing is asked about it. */
  readonly live: readonly LiveAnswer[];
}

export interface LiveAnswer extends Compared {
  /** What was sent: the object itself, or a pod as the controller of its template would create it. */
  readonly sent: 'object' | 'pod';
  /** It was sent under another name: its own is taken. */
  readonly renamed: boolean;
  /** What was predicted of what was sent. */
  readonly outcome: PreviewResult['outcome'];
  readonly changes: PreviewResult['changes'];
}

/** Asks the cluster about every object of the files, one after another; nothing is stored. */
export async function livePreview(
  previews: readonly SourcePreview[],
  settings: LiveSettings,
): Promise<LiveResult[]> {
  const asker = new Asker(settings, await whoAmI(settings.cluster.api));
  const results: LiveResult[] = [];
  for (const { preview: file } of previews) {
    for (const [index, manifest] of file.file.manifests.entries()) {
      const { result } = file.previews[index] ?? {};
      if (result) results.push({ ...result, live: await asker.ask(manifest, result) });
    }
  }
  return results;
}

class Asker {
  /** Whether there is a webhook at all: asked once, and only where nothing shows it. */
  #installed: Promise<boolean | undefined> | undefined;

  constructor(
    readonly settings: LiveSettings,
    readonly userInfo: UserInfo,
  ) {}

  async ask(manifest: Manifest, { namespace, kind, mode }: PreviewResult): Promise<LiveAnswer[]> {
    if (manifest.request || !podOf(manifest, namespace)) return [];
    const plan = await this.settings.plans.planFor(namespace);
    const own = await this.#send('object', creatable(manifest.object, namespace), namespace, plan);
    // What a template says is what its pods are, unless the webhook changes it or would not take it.
    const isWhole = kind === 'Pod' || mode === 'disabled' || !['reported', 'ignored'].includes(own.outcome);
    const pod = isWhole ? undefined : podOfTemplate(manifest.object, namespace);
    return pod ? [own, await this.#send('pod', pod, namespace, plan)] : [own];
  }

  async #send(
    sent: LiveAnswer['sent'],
    object: KubernetesObject,
    namespace: string,
    plan: Plan,
  ): Promise<LiveAnswer> {
    const answer = await dryRunCreate(this.settings.cluster.api, object, namespace);
    const asSent = answer.renamed ? renamed(object) : object;
    const predicted = this.#predict(asSent, namespace, plan);
    const again = answer.object && this.#predict(answer.object, namespace, plan);
    const compared = compare({ object, predicted, answer, again });
    const { outcome, changes } = predicted.result;
    return { sent, renamed: answer.renamed, outcome, changes, ...(await this.#explained(compared)) };
  }

  #predict(object: KubernetesObject, namespace: string, plan: Plan): Preview {
    const request: AdmissionRequest = { ...requestOf({ object }, namespace), userInfo: this.userInfo };
    const manifest: Manifest = {
      ...{ source: 'cluster', document: 0, at: [], object, request },
      position: () => undefined,
    };
    return preview(manifest, namespace, plan, this.settings.choices.podSecurityMinor);
  }

  /** Where the webhook should have been called and was not. */
  async #explained(compared: Compared): Promise<Compared> {
    if (compared.verdict !== 'notCalled' || compared.reason !== null) return compared;
    this.#installed ??= isInstalled(this.settings.cluster.api);
    const reason = {
      true: 'the webhook is installed and did not answer: it failed under failurePolicy Ignore, or its selectors leave this namespace out',
      false: 'no webhook of kube-harden is installed',
      undefined: 'nothing shows that the webhook was called',
    }[String(await this.#installed)];
    return { ...compared, reason: reason ?? null };
  }
}
