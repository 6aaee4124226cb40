import { MappingType, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Colour, COLOURS } from './colours.ts';

import { each, ofTunnels, type PerExporter } from './promql/select.ts';

/** A state as a number, so that panels can sort and colour it: the higher, the worse. */
export interface State {
  readonly number: number;
  readonly text: string;
  readonly colour: Colour;
}

/** All numbers of at least `from`. */
export interface StateRange extends Omit<State, 'number'> {
  readonly from: number;
}

/** A state that is a label's value in a state set. */
export interface LabelledState extends State {
  readonly label: string;
}

export const STATUSES: readonly LabelledState[] = [
  { number: 1, label: 'inactive', text: 'Never run', colour: COLOURS.idle },
  { number: 2, label: 'healthy', text: 'Healthy', colour: COLOURS.good },
  { number: 3, label: 'unknown', text: 'Unknown', colour: COLOURS.odd },
  { number: 4, label: 'degraded', text: 'Degraded', colour: COLOURS.warning },
  { number: 5, label: 'down', text: 'Down', colour: COLOURS.bad },
];
/** The statuses that are trouble. */
export const TROUBLE = STATUSES.slice(2);

export const HA_STATUSES: readonly LabelledState[] = [
  { number: 1, label: 'active', text: 'Active', colour: COLOURS.good },
  { number: 2, label: 'passive', text: 'Standby', colour: COLOURS.note },
  { number: 3, label: 'unknown', text: 'Unknown', colour: COLOURS.odd },
  { number: 4, label: 'offline', text: 'Offline', colour: COLOURS.bad },
];

/** The number of each tunnel's status, if it is one of these. */
export function statusNumbers(states: readonly LabelledState[]): PerExporter {
  return numbersOf(states, (label) => ofTunnels('cloudflare_tunnel_status', `status="${label}"`));
}

/** The number of each WARP connector's HA status. */
export function haStatusNumbers(): PerExporter {
  return numbersOf(HA_STATUSES, (label) =>
    ofTunnels('cloudflare_tunnel_connector_ha_status', `ha_status="${label}"`),
  );
}

export function mappings(states: readonly State[]): ValueMapping[] {
  const options = states.map(({ number, text, colour }, index) => [
    String(number),
    { text, color: colour, index },
  ]);
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(options) }];
}

export function rangeMapping({ from, text, colour }: StateRange): ValueMapping {
  return { type: MappingType.RangeToText, options: { from, to: null, result: { text, color: colour } } };
}

function numbersOf(states: readonly LabelledState[], select: (label: string) => PerExporter): PerExporter {
  return states
    .map(({ number, label }) => each`  ${number} * (${select(label)} == 1)`)
    .reduce((all, one) => each`${all}\n  or\n${one}`);
}
