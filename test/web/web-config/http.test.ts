import { expect, test } from 'vitest';
import { ask } from '../serving.ts';
import { webConfigured } from './secure-serving.ts';

/** The hash of "secret". */
const HASH = '$2b$04$pU/mXy0h8JkERBmGmotHme5lqMQifl8Rg2JewTp2AA2UhrFLYnnIG';
const USERS = `basic_auth_users:\n  alice: ${HASH}\n`;

function as(credentials: string): { readonly headers: Record<string, string> } {
  return { headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } };
}

test('every path needs the password, except those of probes', async () => {
  const { url } = await webConfigured(USERS);
  expect(url).toMatch(/^http:/);
  for (const path of [
    '/',
    '/metrics',
    '/api/v1/tunnels',
    '/nowhere',
    '//livez',
    '/livez/',
    '/LIVEZ',
    '/readyz/../metrics',
  ]) {
    const refused = await ask(`${url}${path}`);
    expect({ path, status: refused.status }).toEqual({ path, status: 401 });
    expect(refused.headers['www-authenticate']).toMatch(/^Basic /);
    expect(refused.text).toBe('Unauthorized\n');
    const { status } = await ask(`${url}${path}`, as('alice:secret'));
    expect({ path, status }).not.toEqual({ path, status: 401 });
  }
  for (const path of ['/livez', '/readyz', '/livez?verbose', '/readyz?'])
    expect(await ask(`${url}${path}`)).toMatchObject({ status: 200 });
  expect(await ask(`${url}/metrics`, as('alice:wrong'))).toMatchObject({ status: 401 });
  expect(await ask(`${url}/metrics`, { method: 'POST' })).toMatchObject({ status: 401 });
});

test('changed users are in force with the next request', async () => {
  const { url, rewrite, logged } = await webConfigured('');
  expect(await ask(`${url}/metrics`)).toMatchObject({ status: 200 });
  await rewrite(USERS);
  expect(await ask(`${url}/metrics`)).toMatchObject({ status: 401 });
  expect(await ask(`${url}/metrics`, as('alice:secret'))).toMatchObject({ status: 200 });
  await rewrite(USERS.replace('alice', 'bob'));
  expect(await ask(`${url}/metrics`, as('alice:secret'))).toMatchObject({ status: 401 });
  expect(await ask(`${url}/metrics`, as('bob:secret'))).toMatchObject({ status: 200 });
  expect(logged.filter(({ message }) => message.startsWith('Cannot'))).toEqual([]);
});

test.each([
  ['becomes empty', ''],
  ['becomes a comment', '# users follow\n'],
  ['becomes an empty mapping', '{}\n'],
  ['loses the users of basic_auth_users', 'basic_auth_users:\n'],
  ['gives an empty mapping of users', 'basic_auth_users: {}\n'],
  ['is cut off in a hash', USERS.slice(0, 60)],
])('passwords stay when the web configuration file %s', async (_, text) => {
  const served = await webConfigured(USERS);
  await served.rewrite(text);
  expect(await ask(`${served.url}/metrics`)).toMatchObject({ status: 401 });
  expect(await ask(`${served.url}/metrics`, as('alice:secret'))).toMatchObject({ status: 200 });
  expect(served.logged).toEqual([
    {
      message: 'Cannot use the changed web configuration; the previous one stays in use',
      details: { problems: [expect.stringMatching(/^basic_auth_users/)] },
    },
  ]);
  await served.rewrite(USERS.replace('alice', 'bob'));
  expect(await ask(`${served.url}/metrics`, as('bob:secret'))).toMatchObject({ status: 200 });
});

test('a file that became invalid keeps the previous users, and is logged once with its key and without its values', async () => {
  const served = await webConfigured(USERS);
  const { url, rewrite, live, folder } = served;
  await rewrite('basic_auth_users:\n  alice: hunter2\n');
  await live.refresh();
  await live.refresh();
  expect(served.logged).toEqual([
    {
      message: 'Cannot use the changed web configuration; the previous one stays in use',
      details: {
        problems: [
          `basic_auth_users.alice (${folder}/web.yml:2): is not a bcrypt hash; make one with: htpasswd -nBC 10 USER`,
        ],
      },
    },
  ]);
  expect(await ask(`${url}/metrics`)).toMatchObject({ status: 401 });
  expect(await ask(`${url}/metrics`, as('alice:hunter2'))).toMatchObject({ status: 401 });
  expect(await ask(`${url}/metrics`, as('alice:secret'))).toMatchObject({ status: 200 });
});

test('headers of the file are on every response, and override built-in ones', async () => {
  const { url, rewrite } = await webConfigured(`
http_server_config:
  headers:
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy: default-src 'self'
${USERS}`);
  for (const path of ['/', '/metrics', '/livez', '/nowhere']) {
    for (const options of [{}, as('alice:secret')]) {
      const { headers } = await ask(`${url}${path}`, options);
      expect(headers).toMatchObject({
        'strict-transport-security': 'max-age=31536000',
        'content-security-policy': "default-src 'self'",
        'x-content-type-options': 'nosniff',
      });
    }
  }
  await rewrite(`http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n${USERS}`);
  const { headers } = await ask(`${url}/metrics`);
  expect(headers['x-frame-options']).toBe('sameorigin');
  expect(headers['strict-transport-security']).toBeUndefined();
});
