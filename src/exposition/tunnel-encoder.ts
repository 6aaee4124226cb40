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
import { escapeLabelValue, formatValue } from './text.ts';

/** Sample lines, each with its newline. */
export interface Lines {
  readonly text: string;
  readonly series: number;
}

/** The lines of one tunnel in one family; its labels as `encodeTunnelLabels` gives them. */
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

/** The labels that every line about a tunnel begins with. */
export function encodeTunnelLabels({ accountId, id, name }: ListedTunnel): string {
  const values = [accountId, id, name];
  // Joined, it is one flat string; added up, it would be the tree of its parts, to be walked for every line.
  return TUNNEL_LABELS.map((label, index) => `${label}="${escapeLabelValue(values[index] ?? '')}"`).join(',');
}

/** The sample lines of a family of the whole fleet. */
export function encodeFleetFamily(family: FleetFamily, snapshot: Snapshot, context: FleetContext): Lines {
  const writer = createLineWriter(family.labels.map((label, index) => `${index === 0 ? '' : ','}${label}="`));
  writer.begin(`${family.name}{`);
  family.samples(snapshot, writer.emit, context);
  return writer.end();
}

/** Adds up the lines of the samples that `emit` is given; the same closure each time, for it is called a lot. */
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
