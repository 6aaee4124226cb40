import { setTimeout as sleep } from 'node:timers/promises';
import { isCommand } from '../config/command-line.ts';
import type { Environment } from '../config/environment.ts';

/** Several times as long as kubelet takes to notice that a container runs. */
const DELAY_MS = 10_000;

export interface Start {
  readonly argv: readonly string[];
  readonly env: Environment;
}

/**
 * Kubernetes starts cloudflared only after it has seen the native sidecar before it running. A
 * sidecar exporter that cannot start therefore delays its exit, so that it does not keep
 * cloudflared from starting.
 */
export async function delayExit(start: Start): Promise<void> {
  if (isBesideCloudflared(start)) await sleep(DELAY_MS);
}

/** Guesses from the raw arguments and environment, because the settings may be invalid. */
export function isBesideCloudflared({ argv, env }: Start): boolean {
  const runs = argv.every((word) => !isCommand(word) || word === 'run') && !argv.includes('--config.check');
  const isSidecar =
    argv.some((word) => word.startsWith('--sidecar.')) ||
    Object.entries(env).some(([name, value]) => value !== '' && SIDECAR.test(name));
  return runs && isSidecar;
}

const SIDECAR = /^(?:TUNNEL_TOKEN|TUNNEL_TOKEN_FILE|TUNNEL_EXPORTER_SIDECAR_\w+)$/;
