import { ruleIds } from '../hardening/rule.js';
import { labelled, WIDTH } from '../preview/explainText.js';
import { wrapText } from '../preview/wrapText.js';
import type { LiveDifference } from './liveCompare.js';
import type { LiveAnswer, LiveResult } from './livePreview.js';

/** What a terminal shows of predictions beside the cluster's answers: one block for each object that has a pod. */
export function liveText(results: readonly LiveResult[]): string {
  return results
    .filter(({ live }) => live.length > 0)
    .map(objectText)
    .join('\n');
}

function objectText({ source, kind, namespace, name, policy, mode, live }: LiveResult): string {
  const lines = [
    ...wrapText(`${source} ${kind} ${namespace}/${name}`, WIDTH),
    ...labelled('policy', `${policy}, mode ${mode}`),
    ...live.flatMap(answerText),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function answerText({ sent, verdict, reason, renamed, differences, ...answer }: LiveAnswer): string[] {
  const label = sent === 'pod' ? 'its pods' : 'the object';
  const said = {
    same: `as predicted: ${outcomeText(answer)}`,
    different: `different from what was predicted: ${outcomeText(answer)}`,
    notCalled: `the webhook is not called: ${reason ?? ''}`,
    unknown: `not compared: ${reason ?? ''}`,
  }[verdict];
  const isTaken = 'asked under another name, since its own is taken';
  return [
    ...labelled(label, said),
    ...(renamed ? labelled('', isTaken) : []),
    // Where nobody was asked, all of it is missing.
    ...(verdict === 'notCalled'
      ? []
      : differences.flatMap((difference) => labelled('differs', differenceText(difference)))),
  ];
}

function outcomeText({ outcome, changes }: Pick<LiveAnswer, 'outcome' | 'changes'>): string {
  const count = changes.length === 1 ? '1 field' : `${changes.length} fields`;
  const rules = ruleIds(changes).join(', ');
  if (outcome === 'patched') return `sets ${count} (${rules})`;
  if (outcome === 'reported') return `reports ${count} (${rules})`;
  if (outcome === 'denied') return 'refuses it';
  return 'changes nothing';
}

function differenceText({ rule, field, predicted, cluster, because }: LiveDifference): string {
  const value = (given: unknown): string => (given === null ? 'nothing' : JSON.stringify(given));
  const what = [rule, field].filter((part) => part !== null).join(' ');
  const both = `predicted ${value(predicted)}, the cluster says ${value(cluster)}`;
  return `${what === '' ? both : `${what}: ${both}`}${because === null ? '' : ` (${because})`}`;
}
