import { createHash } from 'node:crypto';
import { html, visible } from './html.ts';
import type { Html } from './html.ts';
import { STATUS_STYLE } from './status-style.ts';
import { minuteWords } from './words.ts';

/** What every page for a person has around its content. */
export interface PageFrame {
  readonly version: string;
  readonly now: number;
}

/** Not by the template: the hash below is of exactly these characters. */
export const STYLE: Html = { markup: `<style>${STATUS_STYLE}</style>` };
const styleHash = createHash('sha256').update(STATUS_STYLE).digest('base64');

/** Nothing but the page's own style: no script, image, font, form or frame. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const REFRESH_SECONDS = 30;

/** A whole page; the status page is streamed and frames itself. */
export function pageOf(
  { title, heading, body }: { readonly title: string; readonly heading: Html; readonly body: Html },
  { version, now }: PageFrame,
): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${REFRESH_SECONDS}" />
        <title>${visible(title)}</title>
        ${STYLE}
      </head>
      <body>
        <header>
          <h1>${heading}</h1>
          <a href="/">All tunnels</a>
          <span class="quiet small">cloudflare-tunnel-exporter ${visible(version)}</span>
          <div class="facts"><span class="quiet small">${minuteWords(now)}</span></div>
        </header>
        <main>${body}</main>
      </body>
    </html> `.markup;
}
