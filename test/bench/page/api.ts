import { createSimulator, sampleAccounts } from '../../../src/simulator/index.ts';

/**
 * The simulated API as a process of its own. Each account owns a token, so that each has a request
 * budget of its own. Arguments: tunnels, accounts, what lists embed of connections. Prints a line
 * of JSON when it serves.
 */
const [tunnels = '', accounts = '', embedded = ''] = process.argv.slice(2);
const fleet = sampleAccounts({
  seed: 1,
  now: Date.now(),
  tunnels: Number(tunnels),
  accounts: Number(accounts),
  connectors: 2,
});
const tokens = fleet.map((_, index) => ({ value: `bench-token-${index}`, owner: 'account' as const }));
const simulator = await createSimulator({
  accounts: fleet,
  tokens,
  latencyMs: 20,
  embeddedConnections: embedded === 'populated' ? 'populated' : 'missing',
});
const access = simulator.fleet.accounts().map(({ id }, index) => ({ id, token: tokens[index]?.value }));
process.stdout.write(`${JSON.stringify({ apiUrl: simulator.url, accounts: access })}\n`);
process.on('SIGTERM', () => process.exit(0));
