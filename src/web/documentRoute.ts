import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { createGate } from './gate.ts';
import { negotiateGzip } from './negotiate.ts';
import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';

const compress = promisify(gzip);

/** A rendered document, or in one line what is wrong with the request. */
export type Rendered =
  { readonly ok: true; readonly body: string } | { readonly ok: false; readonly problem: string };

export interface DocumentRouteOptions {
  readonly contentType: string;
  readonly headers: Reply['headers'];
  /** How many may be answered at once: each answer is a document of its own in memory. */
  readonly limit: number;
  readonly render: (request: WebRequest) => Rendered;
}

/** Answers with a document rendered for the request. */
export function createDocumentRoute({
  contentType,
  headers,
  limit,
  render,
}: DocumentRouteOptions): (request: WebRequest) => Promise<Reply> {
  const gate = createGate(limit);
  return async (request) => {
    if (!gate.enter(request.over))
      return textReply(503, 'Too many requests in flight; try again in a second.', { 'Retry-After': '1' });
    const zipped = negotiateGzip(request.headers['accept-encoding']?.toString());
    const rendered = render(request);
    if (!rendered.ok) return textReply(400, rendered.problem);
    const body = Buffer.from(rendered.body);
    return {
      status: 200,
      headers: {
        'Content-Type': contentType,
        Vary: 'Accept-Encoding',
        ...headers,
        ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
      },
      chunks: [zipped ? await compress(body) : body],
    };
  };
}
