import { createHmac, randomBytes, type Hmac } from 'node:crypto';
import { createRequire } from 'node:module';
import pLimit from 'p-limit';
import { textReply, type Reply } from './reply.ts';
import type { Section } from './web-config-section.ts';

/** The bcrypt hash of each user's password. */
export type Users = ReadonlyMap<string, string>;

export type Verify = (password: Uint8Array, hash: string) => Promise<boolean>;

/** Resolves to undefined if the request may proceed, otherwise to the answer that refuses it. */
export type Authenticate = (
  authorization: string | undefined,
  ended: AbortSignal,
) => Promise<Reply | undefined>;

export interface BasicAuthOptions {
  /** Called for every request. No password is needed while it returns no users. */
  readonly users: () => Users;
  readonly verify: Verify;
}

/** bcrypt is expensive by design: one at a time leaves the other cores to scrapes. */
const MAX_VERIFYING = 1;
const MAX_WAITING = 16;
const MAX_CACHED = 100;

const UNAUTHORIZED = textReply(401, 'Unauthorized', {
  'WWW-Authenticate': 'Basic realm="cloudflare-tunnel-exporter", charset="UTF-8"',
});
const BUSY = textReply(503, 'Too many passwords to verify at once; try again.', { 'Retry-After': '1' });

export function createBasicAuth({ users, verify }: BasicAuthOptions): Authenticate {
  const secret = randomBytes(32);
  /** Cache keys are HMACs with a per-process secret, so the cache holds no password or guessable hash. */
  const keyed = (data: string | Uint8Array): Hmac => createHmac('sha256', secret).update(data);
  const limit = pLimit(MAX_VERIFYING);
  const verified = createRecentIds();
  return async (authorization, ended) => {
    if (users().size === 0) return undefined;
    const credentials = parseCredentials(authorization);
    if (!credentials) return UNAUTHORIZED;
    const { user, password, raw } = credentials;
    const hash = users().get(user);
    const id = keyed(raw)
      .update(hash ?? '')
      .digest('base64');
    if (hash !== undefined && verified.has(id)) return undefined;

    if (limit.pendingCount >= MAX_WAITING) return BUSY;
    // An unknown user takes as long as a known one. Otherwise the time would reveal who exists.
    const compared = hash ?? decoyFor(users(), keyed(user).digest());
    const matches = await limit(() => !ended.aborted && verify(password, compared));
    // The users may have changed during the verification.
    if (!matches || hash === undefined || users().get(user) !== hash) return UNAUTHORIZED;
    verified.add(id);
    return undefined;
  };
}

interface Credentials {
  readonly user: string;
  /** Bytes as sent, because the hash may be of another encoding than UTF-8. */
  readonly password: Uint8Array;
  /** User, colon and password. */
  readonly raw: Uint8Array;
}

function parseCredentials(authorization = ''): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const raw = Buffer.from(encoded, 'base64');
  const colon = raw.indexOf(':');
  if (colon === -1) return undefined;
  return { user: raw.toString('utf8', 0, colon), password: raw.subarray(colon + 1), raw };
}

/** Salt and hash of a random password that was not kept. */
const DECOY = 'JmjnjdHwMuW4CIATvKwBpOe/r/OEi8lpj0yNoU0eDECyT1MDFyJUi';

/** A hash with the cost of one of the users' hashes. The digest of a name always selects the same one. */
function decoyFor(users: Users, digest: Buffer): string {
  const costs = [...users.values()].map(costOf);
  return `$2b$${costs[digest.readUInt32BE() % costs.length] ?? '10'}$${DECOY}`;
}

/** Holds the latest `MAX_CACHED` ids. */
function createRecentIds(): {
  readonly has: (id: string) => boolean;
  readonly add: (id: string) => void;
} {
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add: (id) => {
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > MAX_CACHED && oldest !== undefined) ids.delete(oldest);
    },
  };
}

/** htpasswd makes no higher cost. Each step doubles a time that is already seconds, and a stop waits for it. */
const MAX_COST = 17;

/** Reads `basic_auth_users`. No problem quotes a value, because it may be a password. */
export function readUsers(section: Section, canVerify = hasBcrypt): Users {
  const names = section.keys();
  const users = new Map<string, string>();
  for (const name of names) {
    const hash = section.text(name) ?? '';
    const cost = costOf(hash);
    if (cost === undefined)
      section.problem(name, 'is not a bcrypt hash; make one with: htpasswd -nBC 10 USER');
    else if (Number(cost) > MAX_COST)
      section.problem(name, `has cost ${cost}, above the maximum of ${MAX_COST}; scrapes would time out`);
    if (name.includes(':')) section.problem(name, 'a user cannot have a colon');
    users.set(name, hash);
  }
  if (names.length > 0 && !canVerify())
    section.problem(
      undefined,
      'needs the native part of @node-rs/bcrypt, which is not installed; install without --omit=optional',
    );
  return users;
}

/** The two digits of a bcrypt hash that give its cost; undefined if it is not a bcrypt hash. */
export function costOf(hash: string): string | undefined {
  return /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1];
}

/** Loads an optional package with native code. Only basic auth needs it. */
function bcrypt(): typeof import('@node-rs/bcrypt') {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the package exports
  return createRequire(import.meta.url)('@node-rs/bcrypt') as typeof import('@node-rs/bcrypt');
}

function hasBcrypt(): boolean {
  try {
    bcrypt();
    return true;
  } catch {
    return false;
  }
}

/** Runs on the thread pool, not on the event loop. */
export const verifyByBcrypt: Verify = (password, hash) => bcrypt().verify(password, hash);
