import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** These serve: they may take the machine's clock where none is given. */
const EDGE = ['server.ts', 'demo.ts', 'delivery.ts'];

test.each(readdirSync('src/simulator').filter((file) => !EDGE.includes(file)))(
  'src/simulator/%s takes time and chance from outside',
  (file) => {
    expect(readFileSync(`src/simulator/${file}`, 'utf8')).not.toMatch(
      /Date\.now|new Date\(\)|Math\.random|randomUUID|performance\.|setTimeout|setInterval|node:/,
    );
  },
);
