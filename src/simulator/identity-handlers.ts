import type { Answer } from './envelope.ts';
import { badRequest, ERRORS, success } from './envelope.ts';
import type { AccountContext, Context } from './handler.ts';
import { paginate } from './list-tunnels.ts';
import type { Token } from './tokens.ts';
import { seesAccounts, tokenStatus } from './tokens.ts';
import { microseconds } from './wire.ts';

/** Token verification and the accounts that a token reaches. */

export function verifyUserToken({ token, now }: Context): Answer {
  return token.owner === 'account' ? ERRORS.invalidApiToken : verified(token, now);
}

export function verifyAccountToken({ token, accountId, now }: AccountContext): Answer {
  const own = token.owner === 'account' && token.reaches(accountId);
  return own ? verified(token, now) : ERRORS.invalidApiToken;
}

function seconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** The answer for a valid token has code 10000 in `messages`, which is no error. */
function verified(token: Token, now: number): Answer {
  const status = tokenStatus(token, now);
  return success(
    {
      id: token.id,
      status,
      ...(token.notBefore === undefined ? {} : { not_before: seconds(token.notBefore) }),
      ...(token.expiresAt === undefined ? {} : { expires_on: seconds(token.expiresAt) }),
    },
    {
      messages: [
        {
          code: 10000,
          message: `This API Token is ${status === 'active' ? 'valid and active' : status}`,
          type: null,
        },
      ],
    },
  );
}

/** Refuses account-owned tokens. Empty for a token without Account Settings. Pages hold 5 to 50 accounts. */
export function listAccounts({ fleet, token, query }: Context): Answer {
  if (token.owner === 'account') return ERRORS.accountsOfAccountToken;
  const page = Number(query.get('page') ?? 1);
  const perPage = Number(query.get('per_page') ?? 20);
  if (!Number.isInteger(page) || page < 1) return badRequest('page must be a whole number from 1');
  if (!Number.isInteger(perPage) || perPage < 5 || perPage > 50)
    return badRequest('per_page must be from 5 to 50');
  const name = query.get('name');
  const reached = seesAccounts(token)
    ? fleet
        .accounts()
        .filter((account) => token.reaches(account.id) && (name === null || account.name === name))
    : [];
  const { rows, info } = paginate(reached, { page, perPage });
  return success(
    rows.map(({ id, name: accountName }) => ({
      id,
      name: accountName,
      type: 'standard',
      settings: { enforce_twofactor: false },
      created_on: microseconds(Date.UTC(2023, 0, 15)),
    })),
    { resultInfo: { ...info, total_pages: Math.ceil(info.total_count / info.per_page) } },
  );
}
