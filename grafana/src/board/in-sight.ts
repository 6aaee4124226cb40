import type { Builder } from '@grafana/grafana-foundation-sdk/cog';

/** The SDK's default placement hides links and annotations in a menu. */
export function inSight<T extends { placement?: unknown }>(builder: Builder<T>): Builder<T> {
  return {
    build: () => {
      const built = builder.build();
      delete built.placement;
      return built;
    },
  };
}
