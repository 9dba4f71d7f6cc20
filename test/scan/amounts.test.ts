import { expect } from 'chai';
import type { PodSpec } from '../../src/hardening/podSpec.js';
import { parseQuantity } from '../../src/hardening/quantity.js';
import { amountText, amountTexts, podAmounts } from '../../src/scan/amounts.js';

const with_ = (requests: object, more: object = {}): object => ({
  name: 'a',
  resources: { requests },
  ...more,
});

describe('what a pod asks for', () => {
  const TABLE: readonly (readonly [what: string, spec: object, amounts: object])[] = [
    ['nothing', { containers: [{ name: 'a' }] }, {}],
    [
      'its containers together',
      { containers: [with_({ cpu: '100m' }), with_({ cpu: '0.2', memory: '1Gi' })] },
      { 'requests.cpu': '300m', 'requests.memory': '1Gi' },
    ],
    [
      'a limit without a request counts as both',
      { containers: [{ name: 'a', resources: { limits: { cpu: 2 } } }] },
      { 'requests.cpu': '2', 'limits.cpu': '2' },
    ],
    [
      'the largest init container where that is more',
      { containers: [with_({ cpu: '100m' })], initContainers: [with_({ cpu: '1' }), with_({ cpu: '500m' })] },
      { 'requests.cpu': '1' },
    ],
    [
      'sidecars beside the containers, and beside the init containers that follow',
      {
        containers: [with_({ cpu: '100m' })],
        initContainers: [with_({ cpu: '200m' }, { restartPolicy: 'Always' }), with_({ cpu: '300m' })],
      },
      { 'requests.cpu': '500m' },
    ],
    [
      'what the pod asks for as a whole',
      { containers: [with_({ cpu: '100m', memory: '1Mi' })], resources: { requests: { cpu: '1' } } },
      { 'requests.cpu': '1', 'requests.memory': '1Mi' },
    ],
  ];
  for (const [what, spec, amounts] of TABLE) {
    it(what, () => expect(amountTexts(podAmounts(spec as PodSpec))).to.deep.equal(amounts));
  }

  for (const [text, shown] of [
    ['1024Mi', '1Gi'],
    ['1536Mi', '1536Mi'],
    ['100M', '100000000'],
    ['1.5Ti', '1536Gi'],
    ['0', '0'],
  ] as const) {
    it(`${text} of memory is shown as ${shown}, exactly`, () =>
      expect(amountText('requests.memory', parseQuantity(text) ?? -1n)).to.equal(shown));
  }
});
