import type { Builder } from '@grafana/grafana-foundation-sdk/cog';

/** Shows links and annotations at the top. The SDK's default placement hides them in a menu. */
export function inSight<T extends { placement?: unknown }>(builder: Builder<T>): Builder<T> {
  return {
    build: () => {
      const built = builder.build();
      delete built.placement;
      return built;
    },
  };
}
