import { createRequire } from 'node:module';

export type Verify = (password: Uint8Array, hash: string) => Promise<boolean>;

/** Native code in an optional package: loaded where there are users only, so that an exporter without it serves all else. */
function bcrypt(): typeof import('@node-rs/bcrypt') {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the package exports
  return createRequire(import.meta.url)('@node-rs/bcrypt') as typeof import('@node-rs/bcrypt');
}

export function hasBcrypt(): boolean {
  try {
    bcrypt();
    return true;
  } catch {
    return false;
  }
}

/** On the thread pool, not on the event loop. */
export const verifyByBcrypt: Verify = (password, hash) => bcrypt().verify(password, hash);
