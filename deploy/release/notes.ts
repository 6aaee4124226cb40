/** The notes of a release, from CHANGELOG.md. */

/** The section of a version, without its heading; undefined where there is none or it is empty. */
export function notesOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => headingOf(text) === version);
  const notes = section?.slice(section.indexOf('\n')).trim();
  return notes === '' ? undefined : notes;
}

/** `[1.2.3] - 2026-11-24`, with or without brackets and date, as Keep a Changelog has it. */
function headingOf(section: string): string | undefined {
  return /^\[?([^\]\s]+)\]?/.exec(section)?.[1];
}
