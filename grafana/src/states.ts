import { MappingType, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Colour, COLOURS } from './colours.ts';
import { CONNECTOR, maxBy, ofTunnels, TUNNEL } from './promql.ts';

/** A state as a number, so that panels can sort and colour it: the higher, the worse. */
export interface State {
  readonly number: number;
  readonly text: string;
  readonly colour: Colour;
}

/** A state that is a label's value in a state set. */
interface LabelledState extends State {
  readonly label: string;
}

export const STATUSES: readonly LabelledState[] = [
  { number: 1, label: 'inactive', text: 'Never run', colour: COLOURS.idle },
  { number: 2, label: 'healthy', text: 'Healthy', colour: COLOURS.good },
  { number: 3, label: 'unknown', text: 'Unknown', colour: COLOURS.odd },
  { number: 4, label: 'degraded', text: 'Degraded', colour: COLOURS.warning },
  { number: 5, label: 'down', text: 'Down', colour: COLOURS.bad },
];
/** The lowest number of a status that is trouble. */
export const TROUBLE = 3;

export const HA_STATUSES: readonly LabelledState[] = [
  { number: 1, label: 'active', text: 'Active', colour: COLOURS.good },
  { number: 2, label: 'passive', text: 'Standby', colour: COLOURS.note },
  { number: 3, label: 'unknown', text: 'Unknown', colour: COLOURS.odd },
  { number: 4, label: 'offline', text: 'Offline', colour: COLOURS.bad },
];

/** The number of each tunnel's status; the worse one while two replicas of the exporter differ. */
export function statusNumbers(): string {
  return numbersOf(STATUSES, {
    by: TUNNEL,
    select: (label) => ofTunnels('cloudflare_tunnel_status', `status="${label}"`),
  });
}

/** The number of each WARP connector's HA status; the worse one while two replicas of the exporter differ. */
export function haStatusNumbers(): string {
  return numbersOf(HA_STATUSES, {
    by: CONNECTOR,
    select: (label) => ofTunnels('cloudflare_tunnel_connector_ha_status', `ha_status="${label}"`),
  });
}

export function mappings(states: readonly State[]): ValueMapping[] {
  const options = states.map(({ number, text, colour }, index) => [
    String(number),
    { text, color: colour, index },
  ]);
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }];
}

function numbersOf(
  states: readonly LabelledState[],
  { by, select }: { readonly by: string; readonly select: (label: string) => string },
): string {
  const each = states.map(({ number, label }) => `  ${number} * (${select(label)} == 1)`);
  return maxBy(by, `\n${each.join('\n  or\n')}\n`);
}
