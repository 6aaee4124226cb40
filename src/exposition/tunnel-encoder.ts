import {
  type Emit,
  type FamilyOptions,
  type FleetContext,
  type FleetFamily,
  TUNNEL_LABELS,
  type TunnelFamily,
} from '../core/families/family.ts';
import type { ListedTunnel } from '../core/model.ts';
import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import { escapeLabelValue, formatValue } from './text-format.ts';

/** Sample lines, each ending with a newline. */
export interface Lines {
  readonly text: string;
  readonly series: number;
}

/** Returns the lines of one tunnel in one family. `tunnelLabels` comes from `encodeTunnelLabels`. */
export type EncodeTunnel = (state: TunnelState, tunnelLabels: string) => Lines;

export interface TunnelEncoderOptions {
  readonly families: FamilyOptions;
  readonly context: FleetContext;
}

export function createTunnelEncoder(
  family: TunnelFamily,
  { families, context }: TunnelEncoderOptions,
): EncodeTunnel {
  const { optionalLabel } = family;
  const optional = optionalLabel !== undefined && families[optionalLabel.option] ? [optionalLabel.name] : [];
  const writer = createLineWriter([...family.labels, ...optional].map((label) => `,${label}="`));
  return (state, tunnelLabels) => {
    writer.begin(`${family.name}{${tunnelLabels}`);
    family.samples(state, writer.emit, context);
    return writer.end();
  };
}

/** Returns the labels that every line about a tunnel begins with. */
export function encodeTunnelLabels({ accountId, id, name }: ListedTunnel): string {
  const values = [accountId, id, name];
  // `join` makes a flat string. `+` would make a tree of its parts, which V8 flattens again for every line.
  return TUNNEL_LABELS.map((label, index) => `${label}="${escapeLabelValue(values[index] ?? '')}"`).join(',');
}

/** Returns the sample lines of a family of the whole fleet. */
export function encodeFleetFamily(family: FleetFamily, snapshot: Snapshot, context: FleetContext): Lines {
  const writer = createLineWriter(family.labels.map((label, index) => `${index === 0 ? '' : ','}${label}="`));
  writer.begin(`${family.name}{`);
  family.samples(snapshot, writer.emit, context);
  return writer.end();
}

/** Collects the lines of samples. `emit` is the same closure every time, because it is called very often. */
function createLineWriter(labelBegins: readonly string[]): {
  readonly begin: (lineBegin: string) => void;
  readonly emit: Emit;
  readonly end: () => Lines;
} {
  let lineBegin = '';
  let text = '';
  let series = 0;
  return {
    begin: (nextLineBegin) => {
      lineBegin = nextLineBegin;
      text = '';
      series = 0;
    },
    emit: (value, ...values) => {
      let line = lineBegin;
      for (let index = 0; index < labelBegins.length; index += 1) {
        line += `${labelBegins[index] ?? ''}${escapeLabelValue(values[index] ?? '')}"`;
      }
      text += `${line}} ${formatValue(value)}\n`;
      series += 1;
    },
    end: () => ({ text, series }),
  };
}
