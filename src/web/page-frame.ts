import { createHash } from 'node:crypto';
import { formatTime } from './format.ts';
import { html, NOTHING, visible, type Html } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';

/** Not made by `html`, because the hash below is of exactly these characters. */
const STYLE: Html = { markup: `<style>${PAGE_STYLE}</style>` };
const styleHash = createHash('sha256').update(PAGE_STYLE).digest('base64');

/** Allows the page's own style, and no script, image, font, form or frame. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const REFRESH_SECONDS = 30;

/** What every page has around its content. */
export interface PageFrame {
  readonly title: string;
  readonly heading: Html;
  readonly headerLink?: Html;
  /** At the right of the header, before the time. */
  readonly facts?: Html;
  readonly footer?: Html;
  readonly refreshSeconds?: number;
  /** The exporter's own version. */
  readonly version: string;
  readonly now: number;
}

/** A whole page, in parts. */
export function* pageParts(frame: PageFrame, content: Iterable<string>): Generator<string> {
  const { title, heading, headerLink = NOTHING, facts = NOTHING, footer = NOTHING } = frame;
  const { refreshSeconds = REFRESH_SECONDS, version, now } = frame;
  yield html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${refreshSeconds}" />
        <title>${visible(title)}</title>
        ${STYLE}
      </head>
      <body>
        <header>
          <h1>${heading}</h1>${headerLink}
          <span class="quiet small">cloudflare-tunnel-exporter ${visible(version)}</span>
          <div class="facts">${facts}<span class="quiet small">${formatTime(now)}</span></div>
        </header>
        <main>`.markup;
  yield* content;
  yield html`</main>${footer}
      </body>
    </html> `.markup;
}
