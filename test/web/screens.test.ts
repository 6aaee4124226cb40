import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EventHistory } from '../../src/core/events.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { aBrowserPage } from '../support/browser.ts';
import { aRoute } from '../support/core-builders.ts';
import { debianProgram } from '../support/debian.ts';
import { anEvent, events } from '../support/events.ts';
import { aConnector, aDownTunnel, anAccount, NOW } from '../support/snapshots.ts';
import { aTroubledFleet } from './sample-fleets.ts';
import { serving } from './serving.ts';

const chromium = debianProgram('chromium');
/** If set, the screenshots are written to this folder. */
const folder = process.env['SCREENS_FOLDER'];

const ID = 'c1000000-0000-4000-8000-000000000001';
const history: EventHistory = {
  events: [...events(12, { at: NOW - 60_000 }), anEvent({ id: 13, tunnelId: ID, at: NOW - 133 * 60_000 })],
  lastId: 13,
};

function aFleet(): Snapshot {
  const down = aDownTunnel({
    id: ID,
    name: 'legacy-soap-bridge',
    lastServing: { connectors: [aConnector(), aConnector({ id: 'another' })], at: NOW - 134 * 60_000 },
    routes: {
      network: [aRoute('10.20.0.0/16', ID), aRoute('fd00:20::/48', ID)],
      hostname: ['soap', 'mainframe', 'ledger', 'archive'].map((name) =>
        aRoute(`${name}.corp.example.com`, ID),
      ),
    },
  });
  const { accounts, ...rest } = aTroubledFleet();
  const other = anAccount({ id: 'other', name: 'Legacy', tunnels: [down] });
  return { ...rest, accounts: new Map([...accounts, [other.id, other]]) };
}

test.skipIf(chromium.missing).each([390, 1280])(
  `a browser shows the pages at a width of %i pixels with their style, without horizontal scrolling or clipped elements${chromium.needs}`,
  async (width) => {
    const { url } = await serving({ snapshot: aFleet, events: () => history });
    const browser = await aBrowserPage(chromium.command);
    for (const [name, path] of [
      ['fleet', '/'],
      ['filtered', '/?status=down'],
      ['tunnel', `/tunnels/${ID}`],
    ] as const) {
      await browser.open(`${url}${path}`, width);
      expect(await browser.evaluate('document.documentElement.scrollWidth')).toBe(width);
      // The policy allows the style, and no element is wider than the window.
      expect(await browser.evaluate("getComputedStyle(document.querySelector('.status')).fontWeight")).toBe(
        '600',
      );
      const outside = `[...document.querySelectorAll('main *')].filter((each) => {
        const { right, width } = each.getBoundingClientRect();
        return width > 0 && right > innerWidth + 1;
      }).map(({ outerHTML }) => outerHTML.slice(0, 120))`;
      expect(await browser.evaluate(outside)).toEqual([]);
      expect(await browser.evaluate('document.body.innerText')).toContain('legacy-soap-bridge');
      const picture = await browser.picture();
      expect(picture.readUInt32BE(16)).toBe(width);
      if (folder === undefined) continue;
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${name}-${width}.png`), picture);
    }
  },
  60_000,
);
