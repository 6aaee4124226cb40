import {
  FieldColorBuilder,
  FieldColorModeId,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';

/**
 * The palette of all dashboards, by meaning. The colours are quiet, so that red stands out. All are names of Grafana's
 * palette, except the grey, which it lacks.
 */
export const COLOURS = {
  /** As it should be. */
  good: 'semi-dark-green',
  /** An event or a figure that is neither good nor bad; of the alerts' severities: info. */
  note: 'semi-dark-blue',
  /** Of the alerts' severities: warning. */
  warning: 'semi-dark-orange',
  /** Of the alerts' severities: critical. */
  bad: 'semi-dark-red',
  /** Something that the exporter does not know. */
  odd: 'semi-dark-purple',
  /** Not in use. */
  idle: '#7b8087',
  text: 'text',
} as const;

export type Colour = (typeof COLOURS)[keyof typeof COLOURS];

/** From the best to the worst; equal numbers are equally bad. */
export const RANK: Readonly<Record<Colour, number>> = {
  [COLOURS.text]: 0,
  [COLOURS.idle]: 0,
  [COLOURS.good]: 0,
  [COLOURS.note]: 1,
  [COLOURS.odd]: 2,
  [COLOURS.warning]: 2,
  [COLOURS.bad]: 3,
};

/** A value of at least `from` has the colour. */
export type Step = readonly [from: number, colour: Colour];

export function thresholds(base: Colour, ...steps: readonly Step[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...steps.map(([value, color]): Threshold => ({ value, color }))]);
}

export function byThresholds(): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.Thresholds);
}

export function always(colour: Colour): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(colour);
}

/** Shades of a colour, for series that have the same meaning. */
export function shadesOf(colour: Colour): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.Shades).fixedColor(colour);
}

/** Colours without meaning, for series that differ by name only, such as instances. */
export function inTurn(): FieldColorBuilder {
  return new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic);
}
