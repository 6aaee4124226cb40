import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createPoller, type Poller } from '../../src/poller/poller.ts';
import { aConfig, type ConfigParts } from '../support/config.ts';
import { aRig, type Rig, type RigOptions } from './support.ts';

export interface PollerRig extends Rig {
  readonly poller: Poller;
  readonly logged: readonly string[];
  readonly secrets: readonly string[];
  /** success, failure or skipped. */
  readonly polls: readonly string[];
}

export async function aPoller(
  options: RigOptions & { readonly poll?: ConfigParts['poll']; readonly offsetMs?: number } = {},
): Promise<PollerRig> {
  const rig = await aRig(options);
  const logged: string[] = [];
  const secrets: string[] = [];
  const polls: string[] = [];
  const write =
    (level: string) =>
    (...entry: readonly unknown[]): void =>
      void logged.push(`${level}: ${String(entry.at(-1))}`);
  const poller = createPoller({
    config: aConfig({ ...options.config, poll: { ...options.poll } }),
    groups: rig.groups,
    store: rig.store,
    clock: rig.clock.now,
    offsetMs: options.offsetMs ?? 0,
    log: { warn: write('warn'), info: write('info'), error: write('error'), debug: () => undefined },
    secrets: { add: (secret) => void secrets.push(secret) },
    selfMetrics: {
      pollFinished: ({ failed }) => void polls.push(failed ? 'failure' : 'success'),
      pollSkipped: () => void polls.push('skipped'),
      waiting: () => undefined,
    },
  });
  onTestFinished(() => poller.stop());
  return { ...rig, poller, logged, secrets, polls };
}

/** A token file that lives as long as the test. */
export function aTokenFile(content: string): {
  readonly path: string;
  readonly write: (content: string) => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  const write = (text: string): void => writeFileSync(path, text);
  write(content);
  return { path, write };
}

/** A Secret as Kubernetes mounts it: a link to a link to a directory, which is swapped as a whole. */
export function aMountedToken(content: string) {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const data = join(folder, '..data');
  let version = 0;
  const swap = (text: string): void => {
    version += 1;
    const directory = join(folder, `..version-${version}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'token'), text);
    symlinkSync(directory, `${data}_tmp`);
    renameSync(`${data}_tmp`, data);
  };
  swap(content);
  const path = join(folder, 'token');
  symlinkSync(join('..data', 'token'), path);
  return { path, swap, unmount: () => unlinkSync(data) };
}
