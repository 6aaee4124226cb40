import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** One page of a headless Chromium, driven over its DevTools protocol. */
export interface BrowserPage {
  /** Loads a page with this width. */
  readonly open: (url: string, width: number) => Promise<void>;
  /** The value of an expression in the page. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** A PNG of the whole page. */
  readonly picture: () => Promise<Buffer>;
}

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--hide-scrollbars',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--remote-debugging-port=0',
];

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** Starts Chromium until the test ends. */
export async function aBrowserPage(command: string): Promise<BrowserPage> {
  const folder = mkdtempSync(join(tmpdir(), 'browser-'));
  const browser = spawn(command, [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => browser.once('exit', resolve));
  onTestFinished(async () => {
    browser.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    browser.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /DevTools listening on ws:\/\/([^/]+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    browser.once('exit', () => {
      reject(new Error(`chromium ended: ${text}`));
    });
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the DevTools protocol
  const targets = (await (await fetch(`http://${address}/json`)).json()) as readonly {
    readonly type: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
  onTestFinished(() => {
    socket.close();
  });
  await new Promise((resolve) => {
    socket.addEventListener('open', resolve, { once: true });
  });
  const waiting = new Map<number, (message: Message) => void>();
  let loaded = Promise.withResolvers<void>();
  socket.addEventListener('message', ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.method === 'Page.loadEventFired') loaded.resolve();
    if (message.id !== undefined) waiting.get(message.id)?.(message);
  });
  let calls = 0;
  const call = (method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> => {
    const id = (calls += 1);
    return new Promise((resolve, reject) => {
      waiting.set(id, ({ result = {}, error }) => {
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  await call('Page.enable');
  return {
    open: async (url, width) => {
      const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
      await call('Emulation.setDeviceMetricsOverride', metrics);
      loaded = Promise.withResolvers();
      await call('Page.navigate', { url });
      await loaded.promise;
    },
    evaluate: async (expression) => {
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the DevTools protocol
      return (result as { readonly value?: unknown }).value;
    },
    picture: async () => {
      const { data } = await call('Page.captureScreenshot', { captureBeyondViewport: true });
      return Buffer.from(String(data), 'base64');
    },
  };
}
