import { readAccess } from './access.ts';
import type { Access, AccessInput } from './access.ts';
import type { Command } from './command-line.ts';
import type { Config } from './config.ts';
import type { Setting } from './setting.ts';
import { ALL_SETTINGS, SETTINGS } from './settings.ts';
import { readShard, WHOLE } from './shard.ts';
import { readOwnTunnel, readSidecar, tunnelIdsOf } from './sidecar.ts';

/** What `demo` polls instead of the user's accounts. */
export type DemoTarget = Pick<Access, 'accounts' | 'apiUrl'>;

/** What to watch, and where. */
export interface Target extends Access, Pick<Config, 'sidecar' | 'shard'> {
  readonly tunnelIds: Config['tunnels']['ids'];
  readonly types: Config['tunnels']['types'];
}

export interface TargetInput extends Omit<AccessInput, 'ownTunnel' | 'shard' | 'isGiven'> {
  readonly command: Command;
  /** What names the setting in each source that has it. */
  readonly placesOf: (setting: Setting<unknown>) => readonly string[];
  readonly demo: DemoTarget | undefined;
  readonly hostName: string;
}

/** The user's accounts and tunnels; none for a health check, and the demo's own for a demo. */
export function readTarget(input: TargetInput): Target {
  switch (input.command) {
    case 'healthcheck':
      return nothing(input);
    case 'demo':
      return ofDemo(input);
    case 'run':
    case 'once':
    case 'check':
      return ofUser(input);
  }
}

function nothing({ get }: TargetInput): Target {
  return {
    accounts: [],
    discovery: undefined,
    apiUrl: '',
    expectedTunnels: [],
    tunnelIds: get(SETTINGS.tunnelIds).value,
    types: get(SETTINGS.types).value,
    sidecar: undefined,
    shard: WHOLE,
  };
}

function ofDemo(input: TargetInput): Target {
  for (const location of ALL_SETTINGS.filter(({ isAccess }) => isAccess).flatMap(input.placesOf)) {
    input.report.warning(`${location}: ignored, demo brings its own account and API`);
  }
  const expectedTunnels = input.declared.map(({ expected }) => expected);
  return { ...nothing(input), ...input.demo, expectedTunnels };
}

function ofUser(given: TargetInput): Target {
  const { get, report, placesOf } = given;
  const input = { ...given, isGiven: (setting: Setting<unknown>) => placesOf(setting).length > 0 };
  const ownTunnel = readOwnTunnel(input);
  const shard = readShard(input);
  if (ownTunnel !== undefined && shard.total > 1) {
    report.problem(
      `${ownTunnel.location}: one tunnel cannot be shared by ${shard.total} shards; leave shard.total out`,
    );
  }
  const access = readAccess({ ...input, ownTunnel, shard });
  const tunnelIds = tunnelIdsOf(input, ownTunnel);
  const types = get(SETTINGS.types);
  return {
    ...access,
    tunnelIds,
    // cloudflared runs no other type, and the token need not be allowed to read others.
    types: ownTunnel !== undefined && types.from === undefined ? ['cfd_tunnel'] : types.value,
    sidecar: readSidecar({ ...input, ownTunnel, accounts: access.accounts, tunnelIds }),
    shard,
  };
}
