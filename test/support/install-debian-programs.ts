import { installMissing } from './debian.ts';

/** Once before all workers, so that they need not wait for each other's apt. */
export function setup(): void {
  installMissing();
}
