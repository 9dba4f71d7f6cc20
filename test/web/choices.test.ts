import { expect } from 'chai';
import { previewUrl } from '../../src/web/choices.js';

const NONE = { namespace: '', policy: '', mode: '', version: '', labels: '', off: [] };

describe('previewUrl', () => {
  for (const { name, choices, url } of [
    { name: 'no choice', choices: NONE, url: '/preview' },
    {
      name: 'every choice',
      choices: { ...NONE, namespace: 'shop', policy: 'default', mode: 'audit', version: 'v1.36' },
      url: '/preview?namespace=shop&policy=default&mode=audit&podSecurityVersion=v1.36',
    },
    {
      name: 'labels by blanks and commas, then the rules that are off',
      choices: { ...NONE, labels: ' a=b,  c=d', off: ['sshd'] },
      url: '/preview?label=a%3Db&label=c%3Dd&label=kube-harden.io%2Fsshd%3Ddisabled',
    },
    {
      name: 'what would be another parameter',
      choices: { ...NONE, namespace: 'a&mode=x' },
      url: '/preview?namespace=a%26mode%3Dx',
    },
  ]) {
    it(name, () => expect(previewUrl(choices)).to.equal(url));
  }
});
