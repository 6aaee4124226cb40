import { sampleAccounts } from '../../src/simulator/sample.ts';
import { createSimulator } from '../../src/simulator/server.ts';
import { SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';

/** The simulated API as a process of its own, so that its load is not the exporter's. Argument: tunnels. */
const tunnels = Number(process.argv[2]);
const simulator = await createSimulator({
  accounts: sampleAccounts({ seed: 1, now: Date.now(), tunnels, connectors: 2 }),
  latencyMs: 50,
});
process.stdout.write(
  `${JSON.stringify({ apiUrl: simulator.url, accountId: simulator.fleet.accounts()[0]?.id, token: SIMULATOR_TOKEN })}\n`,
);
process.on('SIGTERM', () => process.exit(0));
