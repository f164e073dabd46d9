import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensureChromium } from '../../../tools/chromium.mjs';
import { checkout } from '../checkout.ts';
import type { Checks } from './page.ts';

/** The page's code, with the client as a bundler for browsers takes it out of the package. */
async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: checkout,
    entryPoints: ['tests/e2e/browser/page.ts'],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

/** Serves the page, from an origin of its own. */
async function servePage(): Promise<Server> {
  const script = await pageScript();
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<script type="module" src="/page.js"></script>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Chromium with a page open, whose code does what tests ask. */
export class BrowserPage {
  /** Of the page: scheme, host and port. */
  readonly origin: string;
  /** Of the same page under another name, so that to browsers it is another page. */
  readonly otherOrigin: string;
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(server: Server, browser: Browser, page: Page) {
    const { port } = server.address() as AddressInfo;
    this.origin = `http://127.0.0.1:${port}`;
    this.otherOrigin = `http://localhost:${port}`;
    this.#server = server;
    this.#browser = browser;
    this.#page = page;
  }

  /** @throws Error that says what to install where there is no browser. */
  static async open(): Promise<BrowserPage> {
    const found = ensureChromium();
    if (!found.available) throw new Error(found.reason);
    const server = await servePage();
    const browser = await chromium.launch({ executablePath: found.path });
    return new BrowserPage(server, browser, await browser.newPage());
  }

  async visit(origin: string): Promise<void> {
    await this.#page.goto(origin);
    await this.#page.waitForFunction('globalThis.checks !== undefined');
  }

  /** Runs a check of the page. */
  run<Name extends keyof Checks>(
    name: Name,
    ...given: Parameters<Checks[Name]>
  ): Promise<Awaited<ReturnType<Checks[Name]>>> {
    // As text, so that nothing is compiled into it that only Node has.
    const call = `checks[${JSON.stringify(name)}](...${JSON.stringify(given)})`;
    return this.#page.evaluate(call);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
  }
}
