import { installMissing } from './debian.ts';

/** Runs once before all workers, so that they do not wait for each other's apt. */
export function setup(): void {
  installMissing();
}
