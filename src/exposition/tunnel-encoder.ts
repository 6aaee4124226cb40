import {
  type FamilyOptions,
  type FleetContext,
  type FleetFamily,
  TUNNEL_LABELS,
  type TunnelFamily,
} from '../core/families/family.ts';
import type { Snapshot, TunnelState } from '../core/snapshot.ts';
import { escapeLabelValue, formatValue } from './text.ts';

/** Sample lines, each with its newline. */
export interface Lines {
  readonly text: string;
  readonly series: number;
  /** Of the text in UTF-8. */
  readonly bytes: number;
}

/** The sample lines of one tunnel, one entry per family, in the order of the families. */
export function createTunnelEncoder(
  families: readonly TunnelFamily[],
  options: FamilyOptions,
): (state: TunnelState) => readonly Lines[] {
  const compiled = families.map((family) => {
    const { optionalLabel } = family;
    const optional = optionalLabel !== undefined && options[optionalLabel.option] ? [optionalLabel.name] : [];
    return { family, labels: [...family.labels, ...optional].map(beginLabel) };
  });
  return (state) => {
    const { accountId, id, name } = state.tunnel;
    const tunnel = encodeLabels(TUNNEL_LABELS.map(beginLabel), [accountId, id, name]).slice(1);
    return compiled.map(({ family, labels }) => {
      const begin = `${family.name}{${tunnel}`;
      return collect((add) => {
        family.samples(state, (value, ...values) => {
          add(`${begin}${encodeLabels(labels, values)}} ${formatValue(value)}\n`);
        });
      });
    });
  };
}

/** The sample lines of a family of the whole fleet. */
export function encodeFleetFamily(family: FleetFamily, snapshot: Snapshot, context: FleetContext): Lines {
  const labels = family.labels.map(beginLabel);
  return collect((add) => {
    family.samples(
      snapshot,
      (value, ...values) => {
        add(`${family.name}{${encodeLabels(labels, values).slice(1)}} ${formatValue(value)}\n`);
      },
      context,
    );
  });
}

const NO_LINES: Lines = { text: '', series: 0, bytes: 0 };

function collect(give: (add: (line: string) => void) => void): Lines {
  const lines: string[] = [];
  give((line) => lines.push(line));
  if (lines.length === 0) return NO_LINES;
  // Joined, a text is one flat string; added up, it would be kept as the tree of its parts.
  const text = lines.join('');
  return { text, series: lines.length, bytes: Buffer.byteLength(text) };
}

function beginLabel(name: string): string {
  return `,${name}="`;
}

function encodeLabels(begins: readonly string[], values: readonly string[]): string {
  let encoded = '';
  for (let index = 0; index < begins.length; index += 1) {
    encoded += `${begins[index] ?? ''}${escapeLabelValue(values[index] ?? '')}"`;
  }
  return encoded;
}
