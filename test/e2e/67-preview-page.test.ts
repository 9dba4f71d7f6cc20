import { expect } from 'chai';
import { chromium, type Browser } from 'playwright-core';
import { podOf } from './support/podRequests.js';
import { applyPreviewRights } from './support/previewAccess.js';
import { bindClusterRole } from './support/rbac.js';
import { makeNamespace, world } from './support/world.js';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

describe('the preview page of a replica in the cluster', function () {
  this.timeout(120_000);
  let browser: Browser;
  let namespace = '';
  let token = '';

  before(async () => {
    const { controlPlane } = world();
    await applyPreviewRights();
    namespace = await makeNamespace({ 'kube-harden.io/mode': 'enforce' });
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    expect((await controlPlane.api('POST', path, { metadata: { name: 'author' } })).status).to.equal(201);
    token = await controlPlane.serviceAccountToken(namespace, 'author');
    await bindClusterRole('kube-harden-preview', `${namespace}:author`, namespace);
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: FLAGS,
    });
  });
  after(() => browser.close());

  it('loads without a token, and previews with one for the namespace that its owner has the right in', async () => {
    const [replica] = world().replicas;
    if (replica?.previewPort === undefined) throw new Error('no replica serves a preview');
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`https://127.0.0.1:${replica.previewPort}/`);
    await page.getByText('This server asks who you are').waitFor();
    await page.locator('#input .cm-content').fill(JSON.stringify(podOf('web'), undefined, 2));
    // The heading stays; what is announced gives way to what the next answer says.
    await page.getByRole('heading', { name: 'Unauthorized' }).waitFor();
    await page.getByLabel('Bearer token').fill(token);
    await page.keyboard.press('Tab');
    // The right in `default`, which is asked about where no namespace is named, is not theirs.
    await page.getByRole('heading', { name: 'Forbidden' }).waitFor();
    await page.getByLabel('Namespace', { exact: true }).fill(namespace);
    await page.getByText(/^\d+ changes in 1 object/).waitFor();
    expect(await page.locator('#hardened .cm-content').textContent()).to.include('runAsNonRoot');
    // Policies and rules have come too: the right in that namespace is enough for them.
    expect(await page.locator('#rule-switches label').count()).to.be.above(10);
    expect(await page.locator('#policy option').allTextContents()).to.include('restricted');
    await page.close();
  });
});
