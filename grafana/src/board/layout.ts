import { type Panel, RowBuilder, type RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';

export const COLUMNS = 24;

/** Panels side by side, of one height, over the whole width. */
export interface Shelf {
  readonly height: number;
  readonly panels: readonly (readonly [width: number, panel: Panel])[];
}

/** A row of Grafana: a heading that folds what is below it. */
export interface Section {
  readonly title: string;
  readonly shelves: readonly Shelf[];
}

/** Ids and positions, which the SDK leaves out or gets wrong where widths do not add up to its grid. */
export function arrange(sections: readonly Section[]): (Panel | RowPanel)[] {
  const arranged: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { title, shelves } of sections) {
    arranged.push(
      new RowBuilder(title)
        .id(arranged.length + 1)
        .gridPos({ x: 0, y, w: COLUMNS, h: 1 })
        .build(),
    );
    y += 1;
    for (const { height, panels } of shelves) {
      let x = 0;
      for (const [width, panel] of panels) {
        arranged.push({ ...panel, id: arranged.length + 1, gridPos: { x, y, w: width, h: height } });
        x += width;
      }
      if (x !== COLUMNS) {
        const titles = panels.map(([, panel]) => panel.title).join(', ');
        throw new Error(`Cannot arrange ${titles}: current value is ${x} columns, not ${COLUMNS}`);
      }
      y += height;
    }
  }
  return arranged;
}
