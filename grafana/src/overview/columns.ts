import { TUNNEL_OF_ROW, tunnelLink } from '../board/links.ts';
import type { Column } from '../panels/table.ts';

export const TUNNEL_COLUMN: Column = {
  name: 'Tunnel',
  label: 'tunnel_name',
  link: tunnelLink(TUNNEL_OF_ROW),
};

export const ACCOUNT_COLUMN: Column = { name: 'Account', label: 'account_id', width: 290 };
