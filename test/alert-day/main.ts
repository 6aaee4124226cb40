import { parseArgs } from 'node:util';
import { type DayOptions, EVERYTHING, LONG, passDay, SHORT } from './day.ts';
import { LIFE, type LifeKind } from './life.ts';
import { formatReport, reportOf } from './report.ts';

/**
 * `npm run alert-day`: reports how soon alerts about incidents are sent, and which alerts a day
 * without incidents has. Options: --short (four hours), --no-incidents, --no-life,
 * --only=moves,drains, --replicas=2, --tunnels=60, --no-intermittent, --seed=1.
 */
const { values } = parseArgs({
  allowNegative: true,
  options: {
    short: { type: 'boolean', default: false },
    incidents: { type: 'boolean', default: true },
    life: { type: 'boolean', default: true },
    only: { type: 'string', default: '' },
    intermittent: { type: 'boolean', default: true },
    replicas: { type: 'string', default: '1' },
    tunnels: { type: 'string', default: '' },
    seed: { type: 'string', default: String(LONG.seed) },
  },
});

const only = values.only.split(',').filter((kind) => kind !== '');
const unknown = only.filter((kind) => !LIFE.some((known) => known === kind));
if (unknown.length > 0) {
  process.stderr.write(`--only knows ${LIFE.join(', ')}, not ${unknown.join(', ')}\n`);
  process.exit(1);
}
const isOnly = (kind: LifeKind): boolean => only.length === 0 || only.includes(kind);
const length = values.short ? SHORT : LONG;
const options: DayOptions = {
  ...length,
  tunnels: values.tunnels === '' ? length.tunnels : Number(values.tunnels),
  incidents: values.incidents,
  life: values.life ? new Set([...EVERYTHING].filter(isOnly)) : new Set(),
  intermittent: values.intermittent,
  replicas: Number(values.replicas),
  seed: Number(values.seed),
};
const started = performance.now();
const day = await passDay(options);
process.stdout.write(
  `${options.hours} h, ${options.tunnels} tunnels, ${options.replicas} exporter(s), seed ${options.seed}\n\n${formatReport(reportOf(day))}\n`,
);
process.stderr.write(`took ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
