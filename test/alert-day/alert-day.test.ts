import { beforeAll, describe, expect, test } from 'vitest';
import { debianProgram } from '../support/debian.ts';
import { EVERYTHING, passDay, SHORT } from './day.ts';
import { type Report, reportOf } from './report.ts';

const promtool = debianProgram('promtool');
/** Allowed chat messages per day without an incident. */
const USELESS_A_DAY = 5;

describe.skipIf(promtool.missing)(`four hours with every incident and ordinary life${promtool.needs}`, () => {
  let report: Report;
  beforeAll(async () => {
    report = reportOf(await passDay(SHORT));
  }, 900_000);

  test('every incident is told in time', () => {
    expect(report.told.length).toBeGreaterThan(20);
    const late = report.told.filter(({ toldAfter, within }) => toldAfter === undefined || toldAfter > within);
    expect(late).toEqual([]);
  });

  test('an outage is told once, whatever restarts or is blocked meanwhile', () => {
    const again = report.told.filter(({ channel, toldAgain }) => channel === 'pager' && toldAgain > 0);
    expect(again).toEqual([]);
  });

  test('the outage of a region is two pages at most', () => {
    expect(report.regionPages).toBeGreaterThan(0);
    expect(report.regionPages).toBeLessThanOrEqual(2);
  });

  test('ordinary life pages nobody', () => {
    expect(report.useless.filter(({ channel }) => channel === 'pager')).toEqual([]);
  });

  test('ordinary life sends a few messages to the chat at most, all of the one block by Cloudflare', () => {
    const chat = report.useless.filter(({ channel }) => channel === 'chat');
    expect(chat.map(({ cause }) => cause).filter((cause) => cause !== 'rate limit')).toEqual([]);
    expect(chat.reduce((sum, { messages }) => sum + messages, 0)).toBeLessThanOrEqual(USELESS_A_DAY);
  });
});

describe.skipIf(promtool.missing)(`ordinary life${promtool.needs}`, () => {
  test('with two replicas pages nobody, and says no more than with one', { timeout: 900_000 }, async () => {
    const { useless } = reportOf(
      await passDay({ ...SHORT, tunnels: 30, replicas: 2, incidents: false, life: EVERYTHING }),
    );
    expect(useless.filter(({ channel }) => channel === 'pager')).toEqual([]);
    expect(useless.filter(({ channel, cause }) => channel === 'chat' && cause !== 'rate limit')).toEqual([]);
  });

  test('laptops page every evening without --tunnels.intermittent', { timeout: 900_000 }, async () => {
    const { useless } = reportOf(
      await passDay({
        ...SHORT,
        hours: 3,
        tunnels: 30,
        incidents: false,
        life: new Set(['laptops']),
        intermittent: false,
      }),
    );
    const pages = useless.filter(({ channel }) => channel === 'pager');
    expect(pages.map(({ alert, cause }) => `${alert} ${cause}`)).toEqual(['CloudflareTunnelDown laptops']);
  });
});
