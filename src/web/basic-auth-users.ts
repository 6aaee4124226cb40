import { hasBcrypt } from './basic-auth-bcrypt.ts';
import type { Section } from './web-config-section.ts';

/** The bcrypt hash of each user's password. */
export type Users = ReadonlyMap<string, string>;

/** The most that htpasswd makes; one more doubles a time that is seconds already, and a stop waits for it. */
const MAX_COST = 17;

/** The users of `basic_auth_users`. No problem shows a value: it may be a password. */
export function readUsers(section: Section, canVerify = hasBcrypt): Users {
  const names = section.keys();
  const users = new Map<string, string>();
  for (const name of names) {
    const hash = section.text(name) ?? '';
    const cost = costOf(hash);
    if (cost === undefined)
      section.problem(name, 'is not a bcrypt hash; make one with: htpasswd -nBC 10 USER');
    else if (Number(cost) > MAX_COST)
      section.problem(name, `has cost ${cost}, beyond ${MAX_COST}; scrapes would time out`);
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

/** The two digits of a hash that say how much work it is. */
export function costOf(hash: string): string | undefined {
  return /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1];
}
