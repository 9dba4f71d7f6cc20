import { expect } from 'chai';
import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { parse } from 'yaml';
import { DEPLOYMENT, POD, manyDeployments } from './support/manifests.js';
import { Stage, type PageOptions, type PreviewPage } from './support/previewPage.js';

const BROKEN = POD.replace('name: web\n  namespace', 'name: [web\n  namespace');

describe('the preview page', () => {
  let stage: Stage;
  let open: PreviewPage | undefined;
  before(async () => (stage = await Stage.open()));
  after(() => stage.close());
  // Whatever a test does: nothing on the console, no exception, no request to another host.
  afterEach(async () => {
    await open?.closeOrFail();
    open = undefined;
  });
  const page = async (options?: PageOptions): Promise<PreviewPage> => (open = await stage.page(options));

  it('shows what is pasted beside what hardening makes of it, each changed line with its rule', async () => {
    const { hardened, page: tab, ...preview } = await shown(DEPLOYMENT);
    expect(await preview.status.textContent()).to.match(
      /^\d+ changes in 1 object\. Pod Security: baseline → restricted\.$/,
    );
    const lines = await hardened.locator('.cm-line.kh-changed').allTextContents();
    expect(lines.find((line) => line.includes('readOnlyRootFilesystem: true'))).to.match(
      /high risk · readOnlyRootFilesystem · no image profile$/,
    );
    const heights = await tab.evaluate(() =>
      ['#input', '#hardened'].map(
        (host) =>
          document.querySelector(host)?.shadowRoot?.querySelector('.cm-content')?.getBoundingClientRect()
            .height,
      ),
    );
    expect(heights[0]).to.equal(heights[1]);
  });

  it('says for the line under the cursor which rule wrote it, why, how risky that is, and how to opt out', async () => {
    const { page: tab, hardened } = await shown(POD);
    await hardened.getByText('readOnlyRootFilesystem: true').click();
    const card = tab.locator('#line .card').first();
    await card.waitFor();
    expect(await card.locator('h4').textContent()).to.equal('readOnlyRootFilesystem high risk');
    expect(await card.textContent()).to.match(/An intruder cannot change the program.*unset.*becomes.*true/);
    await card.getByRole('button', { name: /opts out of/ }).click();
    expect(await open?.clipboard()).to.equal(
      'kubectl label ns shop kube-harden.io/readOnlyRootFilesystem=disabled',
    );
    expect(await open?.status.textContent()).to.equal(
      'The command that opts out of readOnlyRootFilesystem is copied.',
    );
  });

  it('says of which image no profile is known, and what would settle the risk', async () => {
    const { page: tab, hardened } = await shown(POD);
    await hardened.getByText('readOnlyRootFilesystem: true').click();
    const card = tab.locator('#line .card').first();
    await card.waitFor();
    expect(await card.locator('.images').textContent()).to.match(
      /^web no image profile of registry\.example\/shop\/web:1\.4\.2 is known\.Settle it/,
    );
    await card.getByRole('button', { name: /would settle the risk of container web$/ }).click();
    expect(await open?.clipboard()).to.equal('kubectl harden learn pod/web -n shop -c web');
  });

  it('says which profile of an image makes the risk low', async () => {
    const { page: tab, hardened } = await shown(POD.replace('registry.example/shop/web:1.4.2', 'nginx:1.27'));
    await hardened.getByText('readOnlyRootFilesystem: true').click();
    const card = tab.locator('#line .card').first();
    await card.waitFor();
    expect(await card.locator('h4').textContent()).to.equal('readOnlyRootFilesystem low risk');
    expect(await card.locator('.images').textContent()).to.equal(
      'web the built-in image profile docker.io/library/nginx is known.',
    );
    expect(await hardened.getByText('readOnlyRootFilesystem: true').textContent()).to.match(
      /low risk · readOnlyRootFilesystem · image profile$/,
    );
  });

  it('switches a rule off, as the namespace label does', async () => {
    const { page: tab, hardened, ...preview } = await shown(POD);
    expect(await hardened.textContent()).to.include('readOnlyRootFilesystem: true');
    await tab.locator('#rules summary').click();
    await tab.getByRole('checkbox', { name: /^readOnlyRootFilesystem/ }).uncheck();
    await hardened.getByText('readOnlyRootFilesystem').first().waitFor({ state: 'detached' });
    expect(await hardened.textContent()).to.include('runAsNonRoot: true');
    expect(await tab.locator('#rules-count').textContent()).to.equal('1 off');
    expect(preview.requests.at(-1)?.url).to.match(
      /\?label=kube-harden\.io%2FreadOnlyRootFilesystem%3Ddisabled$/,
    );
    expect(await tab.locator('#object').textContent()).to.match(
      /Left alone.*readOnlyRootFilesystem OptedOut/,
    );
  });

  it('asks with policy, mode, Pod Security version, namespace and other labels', async () => {
    const { page: tab, ...preview } = await shown(POD.replace('  namespace: shop\n', ''));
    await tab.getByLabel('Policy', { exact: true }).selectOption('restricted');
    await tab.getByLabel('Mode', { exact: true }).selectOption('audit');
    await tab.getByLabel('Pod Security').selectOption('v1.30');
    await tab.getByLabel('Namespace', { exact: true }).fill('till');
    await tab.getByLabel('Namespace labels').fill('kube-harden.io/sshd=warn');
    await tab.getByText('Pod Security v1.30').waitFor();
    await tab.locator('.facts').getByText('till').waitFor();
    await tab.locator('.facts').getByText('audit').waitFor();
    await tab.locator('.facts').getByText('restricted').waitFor();
    await tab.waitForFunction(
      () => document.querySelector('#hardened-pane')?.hasAttribute('aria-busy') === false,
    );
    expect(new URL(preview.requests.at(-1)?.url ?? '').search).to.equal(
      '?namespace=till&policy=restricted&mode=audit&podSecurityVersion=v1.30&label=kube-harden.io%2Fsshd%3Dwarn',
    );
  });

  it('gives the patch to copy: what the webhook returns, which makes the pod the hardened one', async () => {
    const { page: tab, ...preview } = await shown(POD);
    await tab.getByRole('button', { name: 'Copy patch' }).click();
    await preview.says(/^The patch is copied/);
    const patch = JSON.parse((await open?.clipboard()) ?? '') as Operation[];
    const before = parse(POD) as object;
    const after = fastJsonPatch.applyPatch(before, patch, true, false).newDocument as {
      spec: { containers: { securityContext: object }[] };
    };
    expect(after.spec.containers[0]?.securityContext).to.include({ readOnlyRootFilesystem: true });
    await tab.getByRole('button', { name: 'Copy YAML' }).click();
    await preview.says(/^The hardened manifest is copied/);
    const yaml = parse((await open?.clipboard()) ?? '') as typeof after;
    expect(yaml.spec).to.deep.equal(after.spec);
  });

  it('marks the line of a manifest that cannot be read, keeps the last preview, and recovers', async () => {
    const { page: tab, ...preview } = await shown(POD);
    preview.expectStatus(400);
    await open?.paste(BROKEN);
    const fault = tab.locator('#problem li').first();
    await fault.waitFor();
    expect(await fault.textContent()).to.match(/^line \d+, column \d+: /);
    expect(await preview.status.textContent()).to.match(/^The manifest cannot be read: line \d+: /);
    await tab.locator('#input .cm-lint-marker-error').waitFor();
    await tab.locator('#hardened-heading .stale-note').waitFor();
    const line = Number(/line (\d+)/.exec((await fault.textContent()) ?? '')?.[1]);
    await fault.getByRole('button').click();
    expect(await tab.locator('#input .cm-activeLineGutter').last().isVisible()).to.equal(true);
    expect(await tab.locator('#input .cm-lineNumbers .cm-activeLineGutter').textContent()).to.equal(
      `${line}`,
    );
    await open?.pasteAndWait(POD);
    expect(await tab.locator('#problem').isHidden()).to.equal(true);
    expect(await tab.locator('#input .cm-lint-marker-error').count()).to.equal(0);
  });

  it('marks each field that Kubernetes would not take', async () => {
    const preview = await page();
    preview.expectStatus(400);
    await preview.paste(
      POD.replace('image: registry.example/shop/web:1.4.2', 'image: [1]\n      args: often'),
    );
    await preview.page.locator('#problem li').nth(1).waitFor();
    expect(await preview.page.locator('#problem').textContent()).to.include('spec.containers[0].image');
    await preview.page.locator('#input .cm-lint-marker-error').nth(1).waitFor();
  });

  it('says what is wrong with a label', async () => {
    const { page: tab, ...preview } = await shown(POD);
    preview.expectStatus(400);
    await tab.getByLabel('Namespace labels').fill('kube-harden.io/sshhd=warn');
    await tab.getByText('did you mean').first().waitFor();
  });

  it('shows violations, refusals, skips and what blocks the next Pod Security level', async () => {
    const {
      page: tab,
      hardened,
      ...preview
    } = await shown(
      POD.replace('spec:\n', 'spec:\n  hostNetwork: true\n').replace(
        'image: registry.example/shop/web:1.4.2\n',
        'image: registry.example/shop/web:1.4.2\n      securityContext: {runAsUser: 0}\n',
      ),
    );
    expect(await hardened.textContent()).to.include('hostNetwork: true');
    expect(await preview.status.textContent()).to.match(
      /violations?\. Pod Security: privileged → privileged\.$/,
    );
    const object = (await tab.locator('#object').textContent()) ?? '';
    expect(object).to.match(/What keeps it from the next level:host namespaces/);
    expect(object).to.match(/Violations.*hostNamespaces.*hostNetwork is true/);
    expect(object).to.match(/Left alone.*runAsNonRoot ExplicitRoot/);
  });

  it('shows one object among several, the one of the line under the cursor', async () => {
    const { page: tab, hardened } = await shown(`${POD}---\n${DEPLOYMENT}`);
    const objects = tab.locator('#object-list button');
    expect(await objects.locator('b').allTextContents()).to.deep.equal([
      'Pod shop/web',
      'Deployment shop/service-1',
    ]);
    await objects.nth(1).click();
    await tab.getByRole('heading', { name: 'Deployment service-1' }).waitFor();
    await hardened.locator('.kh-changed').first().click();
    await tab.getByRole('heading', { name: 'Pod web' }).waitFor();
    expect(await objects.first().getAttribute('aria-current')).to.equal('true');
  });

  it('tells of each object of the last preview also beside an error', async () => {
    const { page: tab, ...preview } = await shown(`${POD}---\n${DEPLOYMENT}`);
    preview.expectStatus(400);
    await open?.paste(`${BROKEN}---\n${DEPLOYMENT}`);
    await tab.locator('#objects-heading .stale-note').waitFor();
    await tab.locator('#object-list button').nth(1).click();
    await tab.getByRole('heading', { name: 'Deployment service-1' }).waitFor();
  });

  it('opens a file that is picked, and several that are dropped', async () => {
    const preview = await page();
    const [chooser] = await Promise.all([
      preview.page.waitForEvent('filechooser'),
      preview.page.getByRole('button', { name: 'Open file' }).click(),
    ]);
    await chooser.setFiles({ name: 'pod.yaml', mimeType: 'application/yaml', buffer: Buffer.from(POD) });
    await preview.says(/^\d+ changes in 1 object/);
    await preview.page.evaluate(
      ([one, two]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([one], 'one.yaml'));
        dataTransfer.items.add(new File([two], 'two.yaml'));
        const target = document.querySelector('#input');
        for (const type of ['dragover', 'drop']) {
          target?.dispatchEvent(
            new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true, composed: true }),
          );
        }
      },
      [POD, DEPLOYMENT] as const,
    );
    await preview.says(/^\d+ changes in 2 objects/);
    expect(await preview.page.locator('#drop').isHidden()).to.equal(true);
  });

  it('shares a link that opens the same, and of which no server sees the manifest', async () => {
    const { page: tab, ...preview } = await shown(POD);
    await tab.getByLabel('Policy', { exact: true }).selectOption('restricted');
    await tab.locator('#rules summary').click();
    await tab.getByRole('checkbox', { name: /^sshd/ }).uncheck();
    await tab.keyboard.press('Escape');
    await tab.locator('#token').evaluate((field: HTMLInputElement) => (field.value = 'a-secret'));
    await tab.getByRole('button', { name: 'Copy link' }).click();
    await preview.says(/^The link is copied/);
    const link = new URL((await open?.clipboard()) ?? '');
    expect(link.origin + link.pathname + link.search).to.equal(`${stage.served.origin}/`);
    const other = await stage.page({ fragment: link.hash });
    await other.says(/^\d+ changes in 1 object/);
    expect(await other.input.textContent()).to.equal(await open?.input.textContent());
    expect(await other.hardened.textContent()).to.equal(await open?.hardened.textContent());
    expect(await other.page.getByLabel('Policy', { exact: true }).inputValue()).to.equal('restricted');
    expect(await other.page.locator('#rules-count').textContent()).to.equal('1 off');
    expect(await other.page.locator('#token').inputValue()).to.equal('');
    expect(await other.page.evaluate(() => location.hash)).to.equal(link.hash);
    for (const { url, body } of other.requests) {
      expect(url).to.not.include(link.hash.slice(5, 25));
      if (!url.includes('/preview')) expect(body).to.equal(null);
    }
    await other.pasteAndWait(DEPLOYMENT);
    expect(await other.page.evaluate(() => location.hash)).to.equal('');
    await other.closeOrFail();
  });

  it('says that a manifest is too large for a link, and that a link is damaged', async () => {
    const { page: tab, ...preview } = await shown(POD);
    // What does not compress: 60 kB of random letters in a comment.
    const noise = Array.from({ length: 80_000 }, () => Math.random().toString(36)[2] ?? 'x').join('');
    await open?.pasteAndWait(`${POD}# ${noise}\n`);
    await tab.getByRole('button', { name: 'Copy link' }).click();
    await preview.says(/^The manifest is too large for a link/);
    expect(await tab.evaluate(() => location.hash)).to.equal('');
    await tab.evaluate(() => void (location.hash = '#v1.damaged'));
    await preview.says(/^The link is cut off or damaged/);
  });

  it('can be used by keyboard alone: Tab leaves the editor, and every control is reached and seen', async () => {
    const preview = await page();
    const { page: tab } = preview;
    const reached: string[] = [];
    const press = async (key: string): Promise<string> => {
      await tab.keyboard.press(key);
      // The editor draws its focus a moment later.
      await new Promise((resolve) => setTimeout(resolve, 30));
      const name = await tab.evaluate(() => {
        const host = document.activeElement;
        // Past the last control, where the browser's own begin.
        if (host === null || host === document.body) return '';
        const element = host.shadowRoot?.activeElement ?? host;
        const { outlineStyle, outlineWidth } = getComputedStyle(
          element === host ? host : (host.closest('.pane') ?? host),
        );
        const isSeen = outlineStyle !== 'none' && outlineWidth !== '0px';
        return `${host.id !== '' ? host.id : host.textContent}${isSeen ? '' : ' (focus not seen)'}`;
      });
      reached.push(name);
      return name;
    };
    for (let presses = 0; presses < 15 && (await press('Tab')) !== 'example'; presses++);
    await tab.keyboard.press('Enter');
    await preview.says(/^\d+ changes in 1 object/);
    while (reached.length < 60 && !(await press('Tab')).startsWith('input'));
    await tab.keyboard.type('#');
    await preview.says(/^\d+ changes in 1 object/);
    while (reached.length < 60 && !(await press('Tab')).startsWith('hardened'));
    await tab.keyboard.press('Alt+ArrowDown');
    await tab.locator('#line .card').first().waitFor();
    await press('Tab');
    await tab.keyboard.press('Enter');
    expect(await preview.clipboard()).to.match(
      /^kubectl (?:label ns shop kube-harden\.io\/\w+=disabled|harden learn deployment\/web -n shop -c \w+)$/,
    );
    for (let presses = 0; presses < 40 && (await press('Tab')) !== ''; presses++);
    expect(reached.filter((name) => name.includes('not seen'))).to.deep.equal([]);
    for (const id of [
      'share',
      'namespace',
      'policy',
      'mode',
      'version',
      'labels',
      'example',
      'open',
      'previous',
      'next',
      'copy-yaml',
    ]) {
      expect(reached).to.include(id);
    }
    await tab.locator('#rules summary').focus();
    await tab.keyboard.press('Enter');
    await tab.keyboard.press('Tab');
    await tab.keyboard.press('Space');
    expect(await tab.locator('#rules-count').textContent()).to.equal('1 off');
    await tab.keyboard.press('Escape');
    expect(await tab.locator('#rules').getAttribute('open')).to.equal(null);
    expect(await tab.evaluate(() => document.activeElement?.tagName)).to.equal('SUMMARY');
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`axe-core finds nothing: empty, with a preview, with an error; ${scheme}`, async () => {
      const preview = await page({ scheme });
      expect(await preview.axe(), 'empty').to.deep.equal([]);
      await preview.pasteAndWait(
        `${POD}---\n${DEPLOYMENT.replace('containers:', 'hostNetwork: true\n      containers:')}`,
      );
      await preview.page.locator('#next').click();
      await preview.page.locator('#line .card').first().waitFor();
      expect(await preview.axe(), 'with a preview').to.deep.equal([]);
      await preview.page.locator('#rules summary').click();
      expect(await preview.axe(), 'with the rules open').to.deep.equal([]);
      await preview.page.keyboard.press('Escape');
      await preview.page.locator('#access summary').click();
      expect(await preview.axe(), 'with the token open').to.deep.equal([]);
      preview.expectStatus(400);
      await preview.paste(BROKEN);
      await preview.page.locator('#problem li').first().waitFor();
      expect(await preview.axe(), 'with an error').to.deep.equal([]);
    });
  }

  for (const [width, height] of [
    [360, 740],
    [768, 1024],
    [1280, 800],
  ] as const) {
    it(`has no horizontal scroll bar at ${width} px; the panes are ${width < 900 ? 'one below the other' : 'side by side'}`, async () => {
      const preview = await page({ width, height });
      await preview.pasteAndWait(`${POD}---\n${DEPLOYMENT}`);
      await preview.page.locator('#next').click();
      for (const id of ['access', 'rules']) {
        const sheet = preview.page.locator(`#${id} .sheet`);
        await preview.page.locator(`#${id} summary`).click();
        const box = await sheet.boundingBox();
        expect(box?.x, id).to.be.at.least(0);
        expect((box?.x ?? 0) + (box?.width ?? 0), id).to.be.at.most(width);
        await preview.page.locator(`#${id} summary`).click();
      }
      expect(await preview.page.evaluate(() => document.documentElement.scrollWidth)).to.be.at.most(width);
      const [left, right] = await Promise.all([
        preview.page.locator('#input').boundingBox(),
        preview.page.locator('#hardened').boundingBox(),
      ]);
      if (width < 900) expect(right?.y).to.be.above((left?.y ?? 0) + (left?.height ?? 0));
      else expect(right?.y).to.equal(left?.y);
    });
  }

  it('scrolls both panes together', async () => {
    const { page: tab } = await shown(
      [POD, DEPLOYMENT, POD.replace('name: web', 'name: other')].join('---\n'),
    );
    const tops = await tab.evaluate(async () => {
      const [left, right] = ['#input', '#hardened'].map((host) =>
        document.querySelector(host)?.shadowRoot?.querySelector('.cm-scroller'),
      );
      left?.scrollTo(0, 300);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const first = right?.scrollTop;
      right?.scrollTo(0, 120);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return [first, left?.scrollTop];
    });
    expect(tops).to.deep.equal([300, 120]);
  });

  it('colours a text in both panes, a large one once the diff is there or the error is shown', async () => {
    const preview = await page();
    const colouredWords = (): Promise<(number | undefined)[]> =>
      preview.page.evaluate(() =>
        ['#input', '#hardened'].map(
          (id) => document.querySelector(id)?.shadowRoot?.querySelectorAll('.cm-line span[class]').length,
        ),
      );
    const areColoured = async (which: readonly number[]): Promise<void> => {
      for (let tries = 0; tries < 100; tries++) {
        const counts = await colouredWords();
        if (which.every((index) => (counts[index] ?? 0) > 2)) return;
        await preview.page.waitForTimeout(50);
      }
      expect.fail(`coloured words: ${(await colouredWords()).join(' and ')}`);
    };
    await preview.pasteAndWait(DEPLOYMENT);
    await areColoured([0, 1]);
    await preview.pasteAndWait(manyDeployments(200_000));
    await areColoured([0, 1]);
    await preview.pasteAndWait(POD);
    await areColoured([0, 1]);
    // With an error there is an answer that is no diff.
    preview.expectStatus(400);
    await preview.paste(manyDeployments(100_000).replace('kind: Deployment', 'kind: ['));
    await preview.says(/^The manifest cannot be read/);
    await areColoured([0]);
  });

  it('drops the answer to what has been changed since', async () => {
    const { page: tab, hardened, ...preview } = await shown(POD);
    let held = 0;
    await tab.route('**/preview*', async (route) => {
      // The first answer comes after the second one.
      if (held++ === 0) await new Promise((resolve) => setTimeout(resolve, 700));
      await route.continue().catch(() => undefined);
    });
    await open?.paste(POD.replace('name: web\n  namespace', 'name: first\n  namespace'));
    await tab.waitForFunction(
      () => document.querySelector('#hardened-pane')?.hasAttribute('aria-busy') === true,
    );
    await open?.paste(POD.replace('name: web\n  namespace', 'name: second\n  namespace'));
    await hardened.getByText('name: second').waitFor();
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await hardened.textContent())
      .to.include('name: second')
      .and.not.include('name: first');
    await preview.says(/^\d+ changes/);
  });

  it('sends the token it is given, stores it nowhere, and asks for one where the server does', async () => {
    const preview = await page();
    const { page: tab } = preview;
    const tokens: (string | undefined)[] = [];
    // What a replica in a cluster says; test/e2e asks a real one.
    await tab.route(/\/(?:preview(?:\?|$)|api\/)/, async (route) => {
      const { authorization } = route.request().headers();
      tokens.push(authorization);
      // Choices are refused after the manifest, of which more is said.
      if (route.request().url().includes('/api/')) await new Promise((resolve) => setTimeout(resolve, 300));
      if (authorization === 'Bearer a-token') await route.continue();
      else {
        const problem = {
          type: 'about:blank',
          title: 'Unauthorized',
          status: 401,
          detail: 'send a bearer token',
        };
        await route.fulfill({
          status: 401,
          contentType: 'application/problem+json',
          body: JSON.stringify(problem),
        });
      }
    });
    preview.expectStatus(401);
    await tab.reload();
    await preview.paste(POD);
    await tab.getByLabel('Bearer token').waitFor();
    await preview.says(/^Unauthorized: send a bearer token/);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await preview.status.textContent(), 'after the choices').to.match(/^Unauthorized: send/);
    await tab.getByLabel('Bearer token').fill('a-token');
    await tab.keyboard.press('Tab');
    await preview.says(/^\d+ changes in 1 object/);
    expect(tokens).to.include('Bearer a-token');
    const stored = await tab.evaluate(() => [
      location.href,
      document.cookie,
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
    ]);
    expect(stored.join()).to.not.include('a-token');
    await tab.reload();
    expect(await tab.locator('#token').inputValue()).to.equal('');
  });

  it('says that the server cannot be reached', async () => {
    const { page: tab, ...preview } = await shown(POD);
    await tab.route('**/preview*', (route) => route.abort('connectionrefused'));
    await open?.paste(DEPLOYMENT);
    await preview.says(/^The server cannot be reached/);
    // The browser's own line about it.
    preview.faults.splice(
      0,
      preview.faults.length,
      ...preview.faults.filter((fault) => !fault.includes('ERR_CONNECTION_REFUSED')),
    );
  });

  async function shown(text: string) {
    const preview = await page();
    await preview.pasteAndWait(text);
    return {
      page: preview.page,
      hardened: preview.hardened,
      status: preview.status,
      requests: preview.requests,
      faults: preview.faults,
      says: preview.says.bind(preview),
      expectStatus: preview.expectStatus.bind(preview),
    };
  }
});
