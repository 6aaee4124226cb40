/** The style of every page. In both colour schemes, text has the contrast of WCAG AA. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --text: #17202a; --quiet: #566270; --link: #1d5bb8;
  --down: #b3261e; --down-ground: #fce8e6; --degraded: #8a4b00; --degraded-ground: #fff0d6;
  --unknown: #5b4aa8; --unknown-ground: #ece9f8; --healthy: #1a6b3a; --healthy-ground: #e3f3e8;
  --inactive: #566270; --inactive-ground: #ebeef1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1318; --card: #171c23; --line: #2b323c; --text: #e4e8ed; --quiet: #9aa6b4; --link: #8ab8ff;
    --down: #ff9d94; --down-ground: #45191a; --degraded: #f5bd62; --degraded-ground: #3d2b0d;
    --unknown: #c0b3ff; --unknown-ground: #2b2650; --healthy: #7fd6a0; --healthy-ground: #14351f;
    --inactive: #9aa6b4; --inactive-ground: #262d36;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem 1.5rem 2rem; max-width: 90rem; background: var(--ground); color: var(--text);
  font: 0.875rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 1.25rem; letter-spacing: -0.01em; }
h2 { font-size: 1rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code { font: 0.8125rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.quiet { color: var(--quiet); }
.small { font-size: 0.8125rem; }
.name { font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; }
.keep, .tally { white-space: nowrap; }
.late { color: var(--degraded); font-weight: 600; }
.past { color: var(--quiet); font-style: italic; }
.behind { display: block; overflow-wrap: anywhere; }
.tile dd a { color: inherit; text-decoration: none; }
.tile dd a:hover { text-decoration: underline; }
.folded { padding: 0.5rem 0.75rem 0.75rem; border-top: 1px solid var(--line); }
.facts-list { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 0.25rem 0.75rem; padding: 0.25rem 0.75rem 0.75rem; }
.facts-list dt { color: var(--quiet); }
.facts-list dd { overflow-wrap: anywhere; }

header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; margin-bottom: 1rem; }
header .facts { margin-left: auto; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 0.75rem; }

.status {
  display: inline-block; padding: 0.05rem 0.5rem; border-radius: 0.25rem; font-size: 0.8125rem; font-weight: 600;
  white-space: nowrap; border: 1px solid transparent;
}
.down { color: var(--down); background: var(--down-ground); }
.degraded { color: var(--degraded); background: var(--degraded-ground); }
.unknown { color: var(--unknown); background: var(--unknown-ground); }
.healthy { color: var(--healthy); background: var(--healthy-ground); }
.inactive { color: var(--inactive); background: var(--inactive-ground); }

.tiles { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 0.5rem; margin-bottom: 1rem; }
.tile {
  display: flex; flex-direction: column-reverse; padding: 0.5rem 0.75rem; border-radius: 0.375rem;
  background: var(--card); border: 1px solid var(--line); color: var(--text);
}
.tile dt { font-size: 0.8125rem; }
.tile dd { font-size: 1.5rem; line-height: 1.2; font-weight: 650; }
.tile.none { color: var(--quiet); }
.tile.none dd { font-weight: 400; }
.tile.some.down { color: var(--down); background: var(--down-ground); border-color: currentColor; }
.tile.some.degraded { color: var(--degraded); background: var(--degraded-ground); border-color: currentColor; }
.tile.some.unknown { color: var(--unknown); background: var(--unknown-ground); border-color: currentColor; }
.tile.some.healthy dd { color: var(--healthy); }

section { background: var(--card); border: 1px solid var(--line); border-radius: 0.375rem; margin-bottom: 1rem; }
section > .title {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.15rem 0.75rem; padding: 0.625rem 0.75rem;
}
section > p { padding: 0 0.75rem 0.75rem; }
.title h2 { overflow-wrap: anywhere; min-width: 0; }
.notice > p { padding: 0.75rem; }
.troubled { border-left: 4px solid var(--down); }
.calm { border-left: 4px solid var(--healthy); }

.problems { list-style: none; }
.problems li {
  display: grid; grid-template-columns: 5.75rem minmax(0, 1fr); gap: 0.25rem 0.75rem; align-items: baseline;
  padding: 0.375rem 0.75rem; border-top: 1px solid var(--line);
}
.problems .status { justify-self: start; }

table { width: 100%; border-collapse: collapse; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem; border-top: 1px solid var(--line); }
thead th { font-size: 0.75rem; font-weight: 600; color: var(--quiet); white-space: nowrap; }
tbody th { font-weight: inherit; width: 24%; min-width: 12rem; }
tbody th .small { display: block; }
tbody tr:target { outline: 2px solid var(--link); outline-offset: -2px; }
td.count { text-align: right; }
thead th.count { text-align: right; }
td .small { display: block; }

footer, .links { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: baseline; }

@media (max-width: 56rem) {
  body { padding: 0.75rem 0.75rem 1.5rem; }
  header .facts { margin-left: 0; }
  .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .facts-list { grid-template-columns: 8rem minmax(0, 1fr); }
  thead { display: none; }
  table, tbody, tr, tbody th, tbody td { display: block; width: auto; }
  tr { padding: 0.5rem 0.75rem; border-top: 1px solid var(--line); }
  tbody th, tbody td, td.count { padding: 0.1rem 0; border: 0; text-align: left; }
  tbody td { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: 0 0.5rem; align-items: baseline; }
  tbody td::before { content: attr(data-label); color: var(--quiet); font-size: 0.8125rem; }
  tbody td > * { grid-column: 2; }
  tbody td:has(.nothing) { display: none; }
  footer a { padding: 0.35rem 0; }
}
@media print {
  :root {
    color-scheme: light; --ground: #fff; --card: #fff; --line: #bbb; --text: #000; --quiet: #444; --link: #000;
    --down: #000; --degraded: #000; --unknown: #000; --healthy: #000; --inactive: #000;
  }
  body { padding: 0; font-size: 9pt; }
  .status { border-color: currentColor; }
  .tile, .tile.some.down, .tile.some.degraded, .tile.some.unknown { border-color: var(--line); }
  tr, .problems li { break-inside: avoid; }
  footer { display: none; }
}
`;
