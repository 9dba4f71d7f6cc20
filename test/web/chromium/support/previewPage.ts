import { expect } from 'chai';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { serve, type Served } from './served.js';

/** Debian's, which `.ci/run` installs; another one by CHROMIUM. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** One browser and one server for the tests of a file. */
export class Stage {
  private constructor(
    readonly browser: Browser,
    readonly served: Served,
  ) {}

  static async open(): Promise<Stage> {
    const [browser, served] = await Promise.all([
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
      serve(),
    ]);
    return new Stage(browser, served);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.served.stop();
  }

  async page(options: PageOptions = {}): Promise<PreviewPage> {
    const { width = 1280, height = 800, scheme = 'light', fragment = '' } = options;
    const context = await this.browser.newContext({
      ignoreHTTPSErrors: true,
      colorScheme: scheme,
      viewport: { width, height },
      permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    const opened = new PreviewPage(context, page, this.served.origin);
    await page.goto(`${this.served.origin}/${fragment}`);
    await page.locator('#rule-switches label').first().waitFor({ state: 'attached' });
    return opened;
  }
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly fragment?: string;
}

/** The preview page in a browser of its own, and all that it should not have done. */
export class PreviewPage {
  /** Console errors and warnings, exceptions, CSP violations, requests to other hosts. */
  readonly faults: string[] = [];
  readonly requests: { readonly url: string; readonly body: string | null }[] = [];
  /** Statuses that the browser reports on the console by itself, as it does every 4xx. */
  private readonly expected: number[] = [];

  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    origin: string,
  ) {
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      if (this.expected.some((status) => message.text().includes(`status of ${status}`))) return;
      this.faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.faults.push(`exception: ${error.message}`));
    context.on('request', (request) => {
      this.requests.push({ url: request.url(), body: request.postData() });
      if (!/^(?:data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin) {
        this.faults.push(`request to ${request.url()}`);
      }
    });
  }

  get input() {
    return this.page.locator('#input .cm-content');
  }
  get hardened() {
    return this.page.locator('#hardened .cm-content');
  }
  get status() {
    return this.page.locator('#status');
  }

  expectStatus(status: number): void {
    this.expected.push(status);
  }

  /** As a reader does it: the clipboard, and Control+V over all that is there. */
  async paste(text: string): Promise<void> {
    await this.page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
    await this.input.focus();
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.press('Control+V');
  }

  /** Waits for the answer to just this text: the request that the paste makes. */
  async pasteAndWait(text: string, timeout = 10_000): Promise<void> {
    await this.page.evaluate(() => document.querySelector('#status')?.replaceChildren());
    await this.paste(text);
    await this.says(/^\d+ changes? in/, timeout);
  }

  async says(pattern: RegExp, timeout = 10_000): Promise<void> {
    await this.page.waitForFunction(
      ([source, flags]) =>
        new RegExp(source, flags).test(document.querySelector('#status')?.textContent ?? ''),
      [pattern.source, pattern.flags] as const,
      { timeout },
    );
  }

  clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  async closeOrFail(): Promise<void> {
    await this.context.close();
    expect(this.faults).to.deep.equal([]);
  }

  /** What axe-core finds, WCAG 2.2 AA and best practices. */
  async axe(): Promise<string[]> {
    // The page's own policy lets no script in; the test's goes around it, for this one evaluation.
    const { violations } = await this.page
      .evaluate(`${axe.source}; axe.run()`)
      .then((found) => found as axe.AxeResults);
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    );
  }
}
