/** Which part of the accounts an exporter watches: one of `total`, counted from 0. */
export interface Shard {
  readonly total: number;
  readonly index: number;
}

export function isOfShard(accountId: string, { total, index }: Shard): boolean {
  return shardOf(accountId, total) === index;
}

/**
 * Rendezvous hashing: the shard whose weight for this account is highest. One more shard takes its fair share of accounts
 * from all the others, and no account moves between those.
 */
export function shardOf(accountId: string, total: number): number {
  let best = 0;
  let highest = -1;
  for (let index = 0; index < total; index += 1) {
    const weight = hash(`${index}/${accountId}`);
    if (weight > highest) {
      best = index;
      highest = weight;
    }
  }
  return best;
}

/** FNV-1a, with the finalizer of MurmurHash3: without it the weights of neighbouring shards would go up and down together. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
