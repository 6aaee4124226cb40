/**
 * The section of a version in CHANGELOG.md, without its heading; undefined if it is missing or
 * empty. Wrapped lines are joined, because GitHub shows each line break in a release's notes.
 */
export function notesOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => headingOf(text) === version);
  const notes = section?.slice(section.indexOf('\n')).trim();
  return notes === '' ? undefined : notes?.replaceAll(/(\S)\n *(?![\s#-])/g, '$1 ');
}

/**
 * The version in a heading of Keep a Changelog: `[1.2.3] - 2026-11-24`, with or without brackets
 * and date.
 */
function headingOf(section: string): string | undefined {
  return /^\[?([^\]\s]+)\]?/.exec(section)?.[1];
}
