import { connectionFamilies, connectorFamilies } from './connectors.ts';
import type { Family, FamilyOptions } from './family.ts';
import { fleetFamilies, sidecarFamilies } from './fleet-scope.ts';
import { routeFamilies } from './routes.ts';
import { configurationFamilies, tunnelFamilies } from './tunnel.ts';

/** Every family about tunnels, in the order of the metrics page. */
export const FAMILIES: readonly Family[] = [
  ...fleetFamilies,
  ...tunnelFamilies,
  ...connectionFamilies,
  ...connectorFamilies,
  ...configurationFamilies,
  ...routeFamilies,
  ...sidecarFamilies,
];

export function enabledFamilies(options: FamilyOptions): readonly Family[] {
  return FAMILIES.filter(({ option }) => option === undefined || options[option]);
}
