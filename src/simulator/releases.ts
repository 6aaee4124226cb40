import type { Random } from './random.ts';

export const CLOUDFLARED_ARCHES: readonly string[] = [
  'linux_amd64',
  'linux_amd64',
  'linux_arm64',
  'darwin_arm64',
];

const CLOUDFLARED_FEATURES: readonly string[] = [
  'allow_remote_config',
  'serialized_headers',
  'support_datagram_v2',
  'support_quic_eof',
  'management_logs',
];

/** Features that a cloudflared reports. The API returns them in random order. */
export function cloudflaredFeatures(random: Random): readonly string[] {
  return random.shuffle(CLOUDFLARED_FEATURES);
}

/** A cloudflared version `YYYY.M.P`, unpadded, released `monthsOld` months before `now`. */
export function cloudflaredVersion(
  now: number,
  options: { readonly monthsOld: number; readonly patch?: number },
): string {
  const date = new Date(now);
  const month = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - options.monthsOld, 1));
  return `${month.getUTCFullYear()}.${month.getUTCMonth() + 1}.${options.patch ?? 0}`;
}

/** A WARP client version: four numbers, the second a month. */
export function warpVersion(now: number, monthsOld: number): string {
  const [year, month] = cloudflaredVersion(now, { monthsOld }).split('.');
  return `${year}.${month}.558.0`;
}
