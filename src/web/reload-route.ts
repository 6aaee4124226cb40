import { textReply } from './reply.ts';
import type { Reply, WebRequest } from './reply.ts';

/** Reads the configuration again. Resolves to what is wrong with it, a line each; it is then not used. */
export type Reload = () => Promise<readonly string[]>;

/** As with Prometheus: 403 unless enabled, 500 where the configuration is bad. */
export function createReloadRoute(reload: Reload | undefined): (request: WebRequest) => Promise<Reply> {
  return async ({ headers }) => {
    if (reload === undefined) {
      return textReply(
        403,
        'Reloading over HTTP is not enabled; start with --web.enable-lifecycle, or send SIGHUP.',
      );
    }
    if (isCrossSite(headers))
      return textReply(403, 'Refused: the request comes from a page of another site.');
    const problems = await reload();
    return problems.length === 0
      ? textReply(200, 'reloaded')
      : textReply(500, ['Not reloaded, the settings before stay:', ...problems].join('\n'));
  };
}

/** Browsers tell where a request comes from; curl and other tools send neither header. */
function isCrossSite({ host, origin, 'sec-fetch-site': site }: WebRequest['headers']): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && URL.parse(origin)?.host !== host;
}
