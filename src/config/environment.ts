import { suggestion } from './nearest.ts';
import { variableOf, type Given, type GivenByFlag } from './setting.ts';
import { ALL_SETTINGS } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLES = ALL_SETTINGS.flatMap(({ variables }) => variables);

/**
 * Returns the values of known variables. Unknown ones with our prefix are problems; empty ones
 * count as unset.
 */
export function readEnvironment(env: Environment): {
  readonly given: GivenByFlag;
  readonly problems: readonly string[];
} {
  const given = new Map<string, readonly Given[]>();
  for (const { flag, variables } of ALL_SETTINGS) {
    const name = variables.find((variable) => isSet(env[variable]));
    if (name !== undefined) given.set(flag, [{ text: env[name] ?? '', location: `${name} (environment)` }]);
  }
  const problems = Object.entries(env)
    .filter(([name, value]) => name.startsWith(variableOf('')) && isSet(value) && !VARIABLES.includes(name))
    .filter(([name, value]) => !isServiceLink(name, value ?? ''))
    .map(([name]) => `${name} (environment): unknown variable${suggestion(name, VARIABLES)}`);
  return { given, problems };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}

/**
 * Kubernetes sets variables for each Service of the namespace. A Service called tunnel-exporter
 * makes TUNNEL_EXPORTER_PORT=tcp://… and more
 * (kubernetes.io/docs/concepts/services-networking/service, environment variables).
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value))
  );
}
