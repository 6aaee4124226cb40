import type { Shard } from '../core/shard.ts';
import type { Report } from './accounts.ts';
import { quote } from './quote.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { Settled } from './sources.ts';

export const WHOLE: Shard = { total: 1, index: 0 };

export interface ShardInput {
  readonly get: <T>(setting: Setting<T>) => Settled<T>;
  /** Whose number at the end is the index where none is given, as in a StatefulSet. */
  readonly hostName: string;
  readonly report: Report;
}

export function readShard({ get, hostName, report }: ShardInput): Shard {
  const total = get(SETTINGS.shardTotal);
  const given = get(SETTINGS.shardIndex);
  if (given.value === undefined && total.value === 1) return WHOLE;
  const index = given.value ?? ordinalOf(hostName);
  if (index === undefined) {
    report.problem(
      `${total.location}: which shard this is cannot be told from the host name ${quote(hostName)}, which does not end in -<number>; give --shard.index`,
    );
    return WHOLE;
  }
  if (index >= total.value) {
    const where = given.value === undefined ? `host name ${quote(hostName)}` : given.location;
    report.problem(
      `${where}: ${index} is not less than shard.total, which is ${total.value}; shards are counted from 0`,
    );
    return WHOLE;
  }
  return { total: total.value, index };
}

/** `exporter-2` → 2; a domain after it does not matter. */
function ordinalOf(hostName: string): number | undefined {
  const [, digits] = /-(\d{1,3})$/.exec(hostName.split('.')[0] ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}
