import type { Config } from '../config/config.ts';
import {
  createSimulator,
  DEMO_ACCOUNTS,
  DEMO_TOKEN,
  demoOptions,
  type LifeEvent,
  type Simulator,
} from '../simulator/index.ts';
import { run, type RunTools } from './run.ts';

/** Port of the simulated API, unless it is in use. */
const PREFERRED_PORT = 20_239;

/** `run` against the simulated Cloudflare API; resolves to the exit code. */
export async function demo(
  config: Config,
  tools: RunTools & { readonly print: (text: string) => void },
): Promise<number> {
  const simulator = await startSimulator(({ what, tunnelId }) =>
    tools.log.info(tunnelId === '' ? {} : { tunnel_id: tunnelId }, `simulated: ${what}`),
  );
  tools.print(guide(simulator));
  const simulated = (given: Config): Config => ({
    ...given,
    discovery: { tokens: [{ token: { kind: 'value', value: DEMO_TOKEN } }], exclude: [], names: [] },
    cloudflare: { ...given.cloudflare, apiUrl: simulator.url },
  });
  const code = await run(simulated(config), {
    ...tools,
    load: async () => {
      const loaded = await tools.load();
      return loaded.kind === 'loaded' ? { ...loaded, config: simulated(loaded.config) } : loaded;
    },
  });
  await simulator.close();
  return code;
}

async function startSimulator(onLifeEvent: (event: LifeEvent) => void): Promise<Simulator> {
  const options = { ...demoOptions(Date.now()), onLifeEvent };
  try {
    return await createSimulator({ ...options, port: PREFERRED_PORT });
  } catch {
    return createSimulator(options);
  }
}

function guide({ url, fleet }: Simulator): string {
  const [account] = DEMO_ACCOUNTS;
  const tunnel = [...fleet.tunnels(account?.id ?? '')].find(({ type }) => type === 'cfd_tunnel');
  return `
A simulated Cloudflare API with a fleet of tunnels is at ${url}. It needs no account, and nothing leaves this machine.
The log below shows the address of the status page. Tunnels restart, move, go down and come back by themselves.

Change something, and the metrics follow with the next poll:
  export API=${url}/accounts/${account?.id ?? ''} AUTH='Authorization: Bearer ${DEMO_TOKEN}'
  curl -H "$AUTH" "$API/cfd_tunnel?status=down"                                             # list
  curl -H "$AUTH" "$API/cfd_tunnel" -d '{"name":"mine","config_src":"cloudflare"}'          # create
  curl -H "$AUTH" -X DELETE "$API/cfd_tunnel/${tunnel?.id ?? '{tunnel}'}/connections"   # drop the connections of ${tunnel?.name ?? 'one'}
  curl -H "$AUTH" -X DELETE "$API/cfd_tunnel/${tunnel?.id ?? '{tunnel}'}"               # delete it
  curl -H "$AUTH" "$API/teamnet/routes"                                                     # list the routes

`;
}
