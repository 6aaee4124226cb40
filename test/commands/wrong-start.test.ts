import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/index.ts';
import { anAuthority, openssl } from '../web/web-config/certificates.ts';
import { ACCOUNT, cli, OTHER_ACCOUNT, running, simulate, TOKEN } from './support.ts';

/** A common mistake at the first start, and the line that reports it in every command that uses the API. */
interface Mistake {
  readonly name: string;
  readonly simulator?: SimulatorOptions;
  readonly accounts?: readonly string[];
  /** The value of CLOUDFLARE_API_TOKEN. */
  readonly token?: string;
  /** The content of a token file, used instead of the variable. */
  readonly tokenFile?: string | Buffer;
  /** Matches the complete line. */
  readonly line: RegExp;
}

const ALONE = 'give the API token alone';
const CREATE = 'dash\\.cloudflare\\.com/profile/api-tokens';
const GLOBAL_KEY = '0123456789abcdef0123456789abcdef01234';
const TUNNEL_TOKEN = Buffer.from(
  JSON.stringify({ a: ACCOUNT, t: 'f70ff985-a4ef-4643-bbbc-4a0ed4fc8415', s: 'a-secret' }),
).toString('base64');

/** Reported before any request; `run` exits with 1. */
const AT_THE_START: readonly Mistake[] = [
  {
    name: 'a token in quotes',
    token: `"${TOKEN}"`,
    line: new RegExp(
      `^CLOUDFLARE_API_TOKEN \\(environment\\): has quotes around it, which belong to the value here; ${ALONE}$`,
    ),
  },
  {
    name: 'a token in quotes in a file',
    tokenFile: `'${TOKEN}'\n`,
    line: new RegExp(
      `^CLOUDFLARE_API_TOKEN_FILE \\(environment\\): "\\S+" has quotes around it, .*; ${ALONE}$`,
    ),
  },
  {
    name: 'a token behind Bearer',
    token: `Bearer ${TOKEN}`,
    line: new RegExp(`^CLOUDFLARE_API_TOKEN \\(environment\\): begins with "Bearer"; ${ALONE}$`),
  },
  {
    name: 'a line of an environment file',
    tokenFile: `CLOUDFLARE_API_TOKEN=${TOKEN}\n`,
    line: new RegExp(`"\\S+" begins with the name of a variable; ${ALONE}$`),
  },
  {
    name: 'a token file that Windows PowerShell has written',
    tokenFile: Buffer.from(`\uFEFF${TOKEN}\r\n`, 'utf16le'),
    line: /"\S+" is not text in UTF-8; save it as UTF-8, with the API token alone$/,
  },
  {
    name: 'a global API key',
    token: GLOBAL_KEY,
    line: new RegExp(
      `^CLOUDFLARE_API_TOKEN \\(environment\\): is a global API key, which has all permissions and is not accepted; create an API token with Cloudflare Tunnel Read at ${CREATE}$`,
    ),
  },
  {
    name: 'a tunnel token',
    token: TUNNEL_TOKEN,
    line: new RegExp(
      `^CLOUDFLARE_API_TOKEN \\(environment\\): is a tunnel token, what cloudflared runs with; an API token is needed, from ${CREATE}$`,
    ),
  },
  {
    name: 'an e-mail address as account id',
    accounts: ['me@example.com'],
    line: /^CLOUDFLARE_ACCOUNT_ID \(environment\): "me@example\.com" is an e-mail address, not an account id; it has 32 hex digits, and follows dash\.cloudflare\.com\/ in the address of the dashboard$/,
  },
];

const FOREIGN =
  /^this account is not among those that the token may see \(check the account id, which is not a zone id, and the token's account resources\), or the token lacks Cloudflare Tunnel Read \(or Cloudflare One Connector: cloudflared Read, or Cloudflare One Connectors Read\), and Cloudflare One Connector: WARP Read \(or Cloudflare One Connectors Read\): GET \/accounts\/…\/cfd_tunnel answered 403, code (?:9109|10000) "[^"]*"$/;

/** Reported by Cloudflare; `run` continues, because it can be fixed there. */
const WHEN_ASKED: readonly Mistake[] = [
  {
    name: "another's account id, code 9109",
    accounts: [OTHER_ACCOUNT],
    line: FOREIGN,
  },
  {
    name: "another's account id, code 10000",
    simulator: { tokens: [{ value: TOKEN, foreignCode: 10000 }] },
    accounts: [OTHER_ACCOUNT],
    line: FOREIGN,
  },
  {
    name: 'a token without any permission that is needed',
    simulator: { tokens: [{ value: TOKEN, permissions: ['Account Settings Read'] }] },
    line: FOREIGN,
  },
  {
    name: 'a token without the permission for WARP connectors where the list needs it',
    simulator: { tokens: [{ value: TOKEN, permissions: ['Cloudflare One Connector: WARP Read'] }] },
    line: /^token lacks Cloudflare Tunnel Read \(or Cloudflare One Connector: cloudflared Read, or Cloudflare One Connectors Read\): GET \/accounts\/…\/cfd_tunnel answered 403, code 10000 "Authentication error"$/,
  },
  {
    name: 'a token that Cloudflare does not know',
    simulator: { tokens: [] },
    line: /^token is not valid \(mistyped, revoked, expired, or not allowed from this address\): GET \S+ answered 40[13], code \d+ "[^"]*"$/,
  },
  {
    name: 'the name of a tunnel as account id',
    accounts: ['my-tunnel'],
    line: /^check the account id "my-tunnel": GET \/accounts\/…\/\S+ answered 404, code 7003 /,
  },
  {
    name: 'a clock that is three hours ahead',
    simulator: { dateOffsetMs: -3 * 3_600_000 - 30_000 },
    line: /^this machine's clock is 3h ahead of Cloudflare's; set it, for example by NTP, because ages and alerts depend on it$/,
  },
  {
    name: 'a clock that is two days behind',
    simulator: { dateOffsetMs: 48 * 3_600_000 + 30_000 },
    line: /^this machine's clock is 2d behind Cloudflare's; /,
  },
];

/** The lines of standard error: the messages of JSON lines, other lines unchanged. */
function linesOf(stderr: string): readonly string[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      if (!line.startsWith('{')) return line;
      const entry: unknown = JSON.parse(line);
      return typeof entry === 'object' && entry !== null && 'msg' in entry ? String(entry.msg) : line;
    });
}

/** The problems that `check` reports. */
const problemsIn = (stdout: string): readonly string[] =>
  stdout.split('\n').flatMap((line) => /^ {2}- (\S.*)/.exec(line)?.[1] ?? []);

async function optionsFor({ simulator, accounts, token, tokenFile }: Partial<Mistake>) {
  const api = await simulate(simulator);
  if (tokenFile === undefined) return { api, ...(accounts && { accounts }), ...(token && { token }) };
  const folder = mkdtempSync(join(tmpdir(), 'wrong-start-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, tokenFile);
  const env = { CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_TOKEN_FILE: path };
  return { api, ...(accounts && { accounts }), env };
}

test.each(AT_THE_START)('$name is one line at the start of run, once and check', async (mistake) => {
  const options = await optionsFor(mistake);
  const secret = /[A-Za-z0-9+/=_-]{30,}/.exec(mistake.token ?? TOKEN)?.[0] ?? TOKEN;
  for (const command of ['run', 'once', 'check']) {
    const { code, stdout, stderr } = await cli([command], options);
    expect({ command, code, stdout }).toEqual({ command, code: 1, stdout: '' });
    expect(linesOf(stderr)).toEqual([expect.stringMatching(mistake.line)]);
    expect(stderr).not.toContain(secret);
  }
  expect(options.api.requests.count()).toBe(0);
});

test.each(WHEN_ASKED)('$name is one line of once, check and run', async (mistake) => {
  const options = await optionsFor(mistake);
  const once = await cli(['once'], options);
  expect(linesOf(once.stderr).filter((line) => mistake.line.test(line))).toHaveLength(1);

  const checked = await cli(['check'], options);
  expect(checked.code).toBe(1);
  expect(problemsIn(checked.stdout).filter((line) => mistake.line.test(line))).toHaveLength(1);

  const exporter = await running([], options);
  await vi.waitFor(() => {
    expect(exporter.logs().filter(({ msg }) => mistake.line.test(msg))).toHaveLength(1);
  });
  expect(await exporter.stop()).toEqual({ code: 0, signal: null });
});

test.each([
  ['a new line', `${TOKEN}\n`],
  ['the end of a line of Windows', `${TOKEN}\r\n`],
  ['a space', `${TOKEN} `],
  ['a byte order mark', `\uFEFF${TOKEN}\n`],
])('%s around a token does no harm', async (_name, tokenFile) => {
  const options = await optionsFor({ tokenFile });
  expect(await cli(['check'], options)).toMatchObject({ code: 0, stderr: '' });
});

test.skipIf(openssl.missing)(
  `a certificate that is not yet valid speaks of the clock${openssl.needs}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wrong-start-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const authority = anAuthority(folder);
    const line =
      /^the certificate of 127\.0\.0\.1:\d+ is not yet valid \(CERT_NOT_YET_VALID\): this machine's clock says \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; set it, for example by NTP, if that is wrong: GET /;
    const options = await optionsFor({
      simulator: { tls: authority.issueForTheFuture('api', ['IP:127.0.0.1']) },
    });
    const env = { NODE_EXTRA_CA_CERTS: authority.certFile };
    const once = await cli(['once'], { ...options, env });
    expect(once.code).toBe(1);
    expect(linesOf(once.stderr).filter((said) => line.test(said))).toHaveLength(1);
    const checked = await cli(['check'], { ...options, env });
    expect(problemsIn(checked.stdout).filter((said) => line.test(said))).toHaveLength(1);
  },
);
