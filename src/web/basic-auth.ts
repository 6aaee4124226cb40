import { createHmac, randomBytes } from 'node:crypto';
import type { Hmac } from 'node:crypto';
import pLimit from 'p-limit';
import type { Verify } from './basic-auth-bcrypt.ts';
import { costOf } from './basic-auth-users.ts';
import type { Users } from './basic-auth-users.ts';
import { textReply } from './reply.ts';
import type { Reply } from './reply.ts';

/** The answer to a request without good credentials, or `undefined` where it may go on. */
export type Authenticate = (
  authorization: string | undefined,
  over: AbortSignal,
) => Promise<Reply | undefined>;

export interface BasicAuthOptions {
  /** Asked at every request; without users nobody needs a password. */
  readonly users: () => Users;
  readonly verify: Verify;
}

/** bcrypt is expensive by design: one at a time leaves the rest of the machine for scrapes. */
const AT_ONCE = 1;
const MOST_WAITING = 16;
const MOST_REMEMBERED = 100;

const UNAUTHORIZED = textReply(401, 'Unauthorized', {
  'WWW-Authenticate': 'Basic realm="cloudflare-tunnel-exporter", charset="UTF-8"',
});
const BUSY = textReply(503, 'Too many passwords to verify at once; try again.', { 'Retry-After': '1' });

export function createBasicAuth({ users, verify }: BasicAuthOptions): Authenticate {
  const secret = randomBytes(32);
  /** Keyed with a secret of this process, so that no memory holds a password or something to guess it by. */
  const keyed = (data: string | Uint8Array): Hmac => createHmac('sha256', secret).update(data);
  const turns = pLimit(AT_ONCE);
  const remembered = createMemory();
  return async (authorization, over) => {
    if (users().size === 0) return undefined;
    const given = readCredentials(authorization);
    if (!given) return UNAUTHORIZED;
    const { user, password, asSent } = given;
    const hash = users().get(user);
    const id = keyed(asSent)
      .update(hash ?? '')
      .digest('base64');
    if (hash !== undefined && remembered.has(id)) return undefined;

    if (turns.pendingCount >= MOST_WAITING) return BUSY;
    // An unknown user costs what a known one does, or an attacker could tell them apart.
    const compared = hash ?? decoyFor(users(), keyed(user).digest());
    const matches = await turns(() => !over.aborted && verify(password, compared));
    // The users may be others by now.
    if (!matches || hash === undefined || users().get(user) !== hash) return UNAUTHORIZED;
    remembered.add(id);
    return undefined;
  };
}

interface Credentials {
  readonly user: string;
  /** As sent: what was hashed may be in another encoding than ours. */
  readonly password: Uint8Array;
  readonly asSent: Uint8Array;
}

function readCredentials(authorization = ''): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const colon = bytes.indexOf(':');
  if (colon === -1) return undefined;
  return { user: bytes.toString('utf8', 0, colon), password: bytes.subarray(colon + 1), asSent: bytes };
}

/** Salt and hash of a password that nobody knows. */
const DECOY = 'JmjnjdHwMuW4CIATvKwBpOe/r/OEi8lpj0yNoU0eDECyT1MDFyJUi';

/** A decoy with the cost of one of the users' hashes: always the same one for the same name. */
function decoyFor(users: Users, choice: Buffer): string {
  const costs = [...users.values()].map(costOf);
  return `$2b$${costs[choice.readUInt32BE() % costs.length] ?? '10'}$${DECOY}`;
}

/** What was found good lately; the oldest gives way. */
function createMemory(): { readonly has: (id: string) => boolean; readonly add: (id: string) => void } {
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add: (id) => {
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > MOST_REMEMBERED && oldest !== undefined) ids.delete(oldest);
    },
  };
}
