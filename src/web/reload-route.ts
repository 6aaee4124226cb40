import { textReply } from './reply.ts';
import type { Reply } from './reply.ts';

/** Reads the configuration again. Resolves to what is wrong with it, a line each; it is then not used. */
export type Reload = () => Promise<readonly string[]>;

/** As with Prometheus: 403 unless enabled, 500 where the configuration is bad. */
export function createReloadRoute(reload: Reload | undefined): () => Promise<Reply> {
  return async () => {
    if (reload === undefined) {
      return textReply(
        403,
        'Reloading over HTTP is not enabled; start with --web.enable-lifecycle, or send SIGHUP.',
      );
    }
    const problems = await reload();
    return problems.length === 0
      ? textReply(200, 'reloaded')
      : textReply(500, ['Not reloaded, the settings before stay:', ...problems].join('\n'));
  };
}
