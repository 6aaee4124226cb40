/** What other folders use of the simulator. README.md explains it. */
export { DEMO_ACCOUNTS, DEMO_TOKEN, demoOptions } from './demo.ts';
export type { EndpointName } from './endpoints.ts';
export type { FaultEffect, FaultSpec } from './faults.ts';
export { respecified } from './fleet-connectors.ts';
export {
  servingConnections,
  statusOf,
  type AccountSpec,
  type ConnectorSpec,
  type Fleet,
  type FleetConnector,
  type FleetTunnel,
  type TunnelSpec,
} from './fleet-model.ts';
export type { LifeEvent } from './life.ts';
export { createQueue } from './queue.ts';
export { createRandom, type Random } from './random.ts';
export { cloudflaredVersion, warpVersion } from './releases.ts';
export { sampleAccounts } from './sample.ts';
export { createSimulator, type Simulator, type SimulatorOptions } from './server.ts';
export { createSimulation, SIMULATOR_TOKEN, type Simulation, type SimulationOptions } from './simulation.ts';
export type { Permission, TokenSpec } from './tokens.ts';
