import { expect, test } from 'vitest';
import { FAMILIES } from '../../src/core/families/table.ts';
import type { PageFormat } from '../../src/exposition/page.ts';
import { parseExposition } from '../support/exposition-parser.ts';
import { ALL_OPTIONS, bytesOf, NO_OPTIONS, pageOf, aPage } from '../support/pages.ts';
import { aSnapshot } from '../support/snapshots.ts';
import { eventfulSelfMetrics } from '../support/self-metrics.ts';
import { goldenContext, goldenFleet } from './fleet.ts';

// A change that is meant: npx vitest run --config test/vitest.config.ts test/golden -u, and review
// the difference.

const FORMATS = [
  { format: 'text', ending: 'prom' },
  { format: 'openmetrics', ending: 'openmetrics' },
] as const;

const PAGES = FORMATS.flatMap((format) => [
  { ...format, file: 'tunnels', families: NO_OPTIONS },
  { ...format, file: 'tunnels-with-every-option', families: ALL_OPTIONS },
]);

test.each(PAGES)('$file.$ending is what the page says', async ({ format, ending, file, families }) => {
  const page = await pageOf(
    goldenFleet(),
    { format, gzip: false, names: undefined },
    { families, context: goldenContext },
  );
  await expect(page.toString()).toMatchFileSnapshot(`${file}.${ending}`);
});

test.each(FORMATS)('exporter.$ending is what the page says of the exporter', async ({ format, ending }) => {
  const page = aPage({
    selfMetrics: eventfulSelfMetrics(goldenFleet()).metrics,
    allows: (name) => name.startsWith('cloudflare_tunnel_exporter_'),
  });
  await page.publish(aSnapshot());
  const text = (await bytesOf(page, { format, gzip: false, names: undefined })).toString();
  await expect(text.replaceAll(`"${process.version}"`, '"v24.0.0"')).toMatchFileSnapshot(
    `exporter.${ending}`,
  );
});

test('every metric about tunnels is on the golden page, in the order of the table', async () => {
  const names = (await familiesOf('text')).map(({ name }) => name);
  expect(names).toEqual(FAMILIES.map(({ name }) => name));
});

test('both formats hold the same series', async () => {
  const [text, openmetrics] = await Promise.all(FORMATS.map(({ format }) => familiesOf(format)));
  const samples = (families: typeof text): unknown => families?.flatMap((family) => family.samples);
  expect(samples(openmetrics)).toEqual(samples(text));
});

async function familiesOf(format: PageFormat): Promise<ReturnType<typeof parseExposition>> {
  const request = { format, gzip: false, names: undefined };
  return parseExposition(await pageOf(goldenFleet(), request, { context: goldenContext }), format);
}
