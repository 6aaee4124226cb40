import {
  FieldColorBuilder,
  FieldColorModeId,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** Quiet ones, so that red is seen. All are names in Grafana's palette, but for the grey, which it lacks. */
export const COLOURS = {
  good: 'semi-dark-green',
  note: 'semi-dark-blue',
  warning: 'semi-dark-orange',
  bad: 'semi-dark-red',
  odd: 'semi-dark-purple',
  idle: '#7b8087',
  text: 'text',
} as const;

export type Colour = (typeof COLOURS)[keyof typeof COLOURS];

/** A value of at least `from` has the colour. */
export type Step = readonly [from: number, colour: Colour];

export function thresholds(base: Colour, ...steps: readonly Step[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...steps.map(([value, color]): Threshold => ({ value, color }))]);
}

export function colourBy(mode: FieldColorModeId): FieldColorBuilder {
  return new FieldColorBuilder().mode(mode);
}
