import { setTimeout as sleep } from 'node:timers/promises';
import { isCommand } from '../config/command-line.ts';
import type { Environment } from '../config/environment.ts';

/** Some times as long as kubelet takes to see that a container runs. */
const LINGER_MS = 10_000;

export interface Start {
  readonly argv: readonly string[];
  readonly env: Environment;
}

/**
 * Kubernetes starts cloudflared after a native sidecar that it has seen running. An exporter that cannot start, be it for
 * its settings, ends a little later, or the trouble would be cloudflared's as well.
 */
export async function linger(start: Start): Promise<void> {
  if (isBesideCloudflared(start)) await sleep(LINGER_MS);
}

/** By the looks of it, for the settings may be the trouble. */
export function isBesideCloudflared({ argv, env }: Start): boolean {
  const runs = argv.every((word) => !isCommand(word) || word === 'run') && !argv.includes('--config.check');
  const isSidecar =
    argv.some((word) => word.startsWith('--sidecar.')) ||
    Object.entries(env).some(([name, value]) => value !== '' && SIDECAR.test(name));
  return runs && isSidecar;
}

const SIDECAR = /^(?:TUNNEL_TOKEN|TUNNEL_TOKEN_FILE|TUNNEL_EXPORTER_SIDECAR_\w+)$/;
