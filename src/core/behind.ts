import type { TunnelState } from './snapshot.ts';

/** What a tunnel leads to: who is affected if it is down. As last observed; empty also if nothing is known. */
export interface Behind {
  /** Public host names of the remote configuration. */
  readonly hostnames: readonly string[];
  readonly privateHostnames: readonly string[];
  /** CIDRs. */
  readonly networks: readonly string[];
}

export function behind({ knownConfiguration, routes }: TunnelState): Behind {
  const names = (knownConfiguration?.ingress ?? [])
    .map(({ hostname }) => hostname)
    .filter((name) => name !== '');
  return {
    hostnames: [...new Set(names)],
    privateHostnames: distinctTargets(routes.hostname),
    networks: distinctTargets(routes.network),
  };
}

function distinctTargets(routes: TunnelState['routes']['network']): readonly string[] {
  return [...new Set((routes ?? []).map(({ target }) => target).filter((target) => target !== ''))];
}

/** Everything behind it, public host names first. */
export function targetsOf({ hostnames, privateHostnames, networks }: Behind): readonly string[] {
  return [...hostnames, ...privateHostnames, ...networks];
}
