import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** These files serve over HTTP and use the machine's clock by default. */
const EDGE = ['server.ts', 'demo.ts', 'delivery.ts'];
const pure = readdirSync('src/simulator').filter((file) => file.endsWith('.ts') && !EDGE.includes(file));

test.each(pure)('src/simulator/%s gets time and randomness as arguments', (file) => {
  expect(readFileSync(`src/simulator/${file}`, 'utf8')).not.toMatch(
    /Date\.now|new Date\(\)|Math\.random|randomUUID|performance\.|setTimeout|setInterval|node:/,
  );
});
