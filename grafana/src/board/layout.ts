import { type Panel, RowBuilder, type RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

export const COLUMNS = 24;

/** Panels side by side, of one height, over the whole width. */
export interface Shelf {
  readonly height: number;
  readonly panels: readonly (readonly [width: number, panel: Panel])[];
}

/** A row of Grafana: a heading that folds the panels below it. */
export interface Section {
  readonly title: string;
  /** Panels of a collapsed row send no query until somebody opens it. Default: open. */
  readonly collapsed?: boolean;
  readonly shelves: readonly Shelf[];
}

/**
 * Sets ids and positions. The SDK leaves them out, or gets them wrong if widths do not add up to
 * its grid.
 */
export function arrange(sections: readonly Section[]): (Panel | RowPanel)[] {
  const arranged: (Panel | RowPanel)[] = [];
  let id = 0;
  let y = 0;
  for (const { title, collapsed = false, shelves } of sections) {
    id += 1;
    const row = new RowBuilder(title).id(id).gridPos({ x: 0, y, w: COLUMNS, h: 1 }).build();
    const placed = place(shelves, { id, y: y + 1 });
    id += placed.length;
    if (collapsed) {
      // Grafana holds the panels of a collapsed row in the row, at the positions that they have
      // when it is open.
      arranged.push({ ...row, collapsed: true, panels: placed });
      y += 1;
    } else {
      arranged.push(row, ...placed);
      y += 1 + shelves.reduce((sum, { height }) => sum + height, 0);
    }
  }
  return arranged;
}

/** Places shelves below each other, from `y` on; ids follow on `id`. */
function place(shelves: readonly Shelf[], start: { readonly id: number; readonly y: number }): Panel[] {
  const placed: Panel[] = [];
  let { y } = start;
  for (const { height, panels } of shelves) {
    let x = 0;
    for (const [width, panel] of panels) {
      const id = start.id + placed.length + 1;
      placed.push({ ...panel, id, gridPos: { x, y, w: width, h: height } });
      x += width;
    }
    if (x !== COLUMNS) {
      const titles = panels.map(([, panel]) => panel.title).join(', ');
      throw new Error(`Cannot arrange ${titles}: current value is ${x} columns, not ${COLUMNS}`);
    }
    y += height;
  }
  return placed;
}
