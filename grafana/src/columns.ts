import { TUNNEL_OF_ROW, tunnelLink } from './board/links.ts';
import type { LabelColumn } from './panels/table.ts';

export const TUNNEL_COLUMN: LabelColumn = {
  name: 'Tunnel',
  label: 'tunnel_name',
  link: tunnelLink(TUNNEL_OF_ROW),
};

/** Labels for the links of a row. */
export const HIDDEN: readonly string[] = ['account_id'];

export const ACCOUNT_COLUMN: LabelColumn = { name: 'Account', label: 'account', width: 140 };

/** A duration to the second: "02:13:05", "3 d 11:40:00". */
export const AGE = { unit: 'dtdhms', decimals: 0 } as const;

/** A duration of weeks or years: "1 year, 4 months". */
export const LONG_AGE = { unit: 'dtdurations', decimals: 1 } as const;
