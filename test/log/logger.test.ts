import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOG_FORMATS } from '../../src/config/config.ts';
import { createSecrets } from '../../src/config/secrets.ts';
import { createLogger } from '../../src/log/logger.ts';
import type { LoggerOptions } from '../../src/log/logger.ts';

const SECRET = 'Zt4-Vq_"token\\of%the tests';

function capture(options: Partial<LoggerOptions> = {}) {
  const written: string[] = [];
  const secrets = options.secrets ?? createSecrets([SECRET]);
  const log = createLogger({
    level: 'info',
    format: 'json',
    secrets,
    destination: { write: (line) => void written.push(line) },
    ...options,
  });
  return { log, secrets, text: () => written.join('') };
}

test('a JSON line has level, ISO time, message and fields, and no host name or process id', () => {
  const { log, text } = capture();
  log.child({ account_id: 'a' }).warn({ tunnels: 3, nested: { list: [1, 'b'] } }, 'polled');
  const line: unknown = JSON.parse(text());
  expect(line).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    msg: 'polled',
    account_id: 'a',
    tunnels: 3,
    nested: { list: [1, 'b'] },
  });
  expect(text()).toMatch(/^\{"level":"warn","time":"[^"]+","msg":"polled",.*\}\n$/);
});

test('a logfmt line is readable', () => {
  const { log, text } = capture({ format: 'logfmt' });
  log.info({ tunnels: 3, account: { id: 'a', name: 'two words' }, types: ['gre'], empty: '' }, 'poll done');
  expect(text()).toMatch(
    /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info msg="poll done" tunnels=3 account\.id=a account\.name="two words" types="\[\\"gre\\"\]" empty=""\n$/,
  );
});

test('an error is logged with its type, message, stack and cause', () => {
  const { log, text } = capture();
  log.error(new TypeError('outer', { cause: new RangeError('inner') }), 'poll failed');
  expect(JSON.parse(text())).toMatchObject({
    msg: 'poll failed',
    err: {
      type: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('logger.test.ts'),
      cause: { type: 'RangeError', message: 'inner' },
    },
  });
});

test('a level below the configured one writes nothing', () => {
  const { log, text } = capture({ level: 'warn' });
  log.info('quiet');
  expect(text()).toBe('');
});

const LEAKS: Readonly<Record<string, (log: ReturnType<typeof capture>['log']) => void>> = {
  'the message': (log) => log.info(`token ${SECRET} is wrong`),
  'a format argument': (log) => log.info('token %s and %j', SECRET, { token: SECRET }),
  "an error's message": (log) => log.error(new Error(`Cannot send ${SECRET}`)),
  "an error's cause": (log) => log.error(new Error('x', { cause: new Error(`Bearer ${SECRET}`) })),
  "an error's own property": (log) => log.error(Object.assign(new Error('x'), { request: { auth: SECRET } })),
  'an error among the fields': (log) =>
    log.error({ error: new Error(SECRET), cause: new Error(SECRET) }, 'x'),
  'an aggregate of errors': (log) => log.error(new AggregateError([new Error(SECRET)], 'x')),
  'a nested object': (log) => log.info({ a: { b: [{ authorization: `Bearer ${SECRET}` }] } }, 'x'),
  'the name of a field': (log) => log.info({ [SECRET]: 1, nested: { [`x${SECRET}`]: 1 } }, 'x'),
  "a child's bindings": (log) => log.child({ token: SECRET }).info('x'),
  'JSON within a text': (log) => log.info(JSON.stringify({ token: SECRET })),
  'a URL': (log) => log.info(`GET /?token=${encodeURIComponent(SECRET)}`),
  base64: (log) => log.info(Buffer.from(SECRET).toString('base64')),
  base64url: (log) => log.info(Buffer.from(SECRET).toString('base64url')),
};

const readable = (text: string): string =>
  [text, decodeURIComponent(text.replaceAll(/%(?![0-9A-F]{2})/g, '%25')), text.replaceAll('\\', '')].join(
    '\n',
  );

for (const format of LOG_FORMATS) {
  test.each(Object.entries(LEAKS))(`${format}: a secret in %s is redacted`, (_, leak) => {
    const { log, text } = capture({ format });
    leak(log);
    expect(text()).toContain('redacted');
    for (const part of ['Zt4-Vq_', 'of%the', Buffer.from(SECRET).toString('base64').slice(0, 12)]) {
      expect(readable(text())).not.toContain(part);
    }
  });

  test(`${format}: a secret within basic authentication is redacted, whatever stands before it`, () => {
    const secret = 'a-long-secret-value-of-the-tests';
    for (const user of ['a', 'ab', 'abc', 'abcd']) {
      const { log, text } = capture({ format, secrets: createSecrets([secret]) });
      log.info(`Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`);
      expect(text()).toContain('[redacted]');
      const rest = /Basic (.*?)\[redacted\]([A-Za-z0-9+/=]*)/.exec(text());
      expect(`${rest?.[1]}${rest?.[2]}`.length).toBeLessThan(14);
    }
  });

  test(`${format}: a value added later is redacted from then on, a short one too`, () => {
    const { log, secrets, text } = capture({ format });
    log.info('code 4711');
    secrets.add('4711\n');
    secrets.add('');
    log.info({ number: 4711 }, 'pin 4711');
    expect(text().match(/4711/g)).toHaveLength(1);
    expect(text().match(/\[redacted\]/g)).toHaveLength(2);
  });

  test(`${format}: a secret that begins with another one is redacted whole`, () => {
    const { log, text } = capture({ format, secrets: createSecrets(['token', 'token-and-more']) });
    log.info('got token-and-more');
    expect(text()).not.toContain('more');
  });

  test(`${format}: any tunnel name stays on one line and can be read back`, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const { log, text } = capture({ format, secrets: createSecrets() });
        log.info({ tunnel_name: name }, 'changed');
        expect(text()).toMatch(/^[^\p{Cc}\u2028\u2029]*\n$/u);
        expect(nameIn(text(), format)).toBe(name);
      }),
    );
  });
}

function nameIn(line: string, format: 'json' | 'logfmt'): unknown {
  if (format === 'json') {
    const parsed: Record<string, unknown> = JSON.parse(line);
    return parsed['tunnel_name'];
  }
  const [, value = ''] = /^time=\S+ level=info msg=changed tunnel_name=(.*)\n$/.exec(line) ?? [];
  return value.startsWith('"') ? JSON.parse(value) : value;
}

test('a name cannot forge a line or a field', () => {
  const { log, text } = capture({ format: 'logfmt' });
  log.info({ tunnel_name: 'a" level=error\ntime=2026-01-01T00:00:00Z level=error msg="forged' }, 'changed');
  expect(text()).toMatch(
    / msg=changed tunnel_name="a\\" level=error\\ntime=2026-01-01T00:00:00Z level=error msg=\\"forged"\n$/,
  );
  expect(text().split('\n')).toHaveLength(2);
});

test('without a destination it writes to standard error, all of it before an abrupt exit', () => {
  const script = `
    import { createSecrets } from './src/config/secrets.ts';
    import { createLogger } from './src/log/logger.ts';
    const log = createLogger({ level: 'info', format: 'json', secrets: createSecrets() });
    for (let i = 0; i < 2000; i++) log.info({ i }, 'x'.repeat(100));
    process.exit(0);
  `;
  const both = execFileSync(
    'sh',
    ['-c', '"$0" --input-type=module-typescript -e "$1" 2>&1 >/dev/null', process.execPath, script],
    {
      encoding: 'utf8',
    },
  );
  expect(both.trimEnd().split('\n')).toHaveLength(2000);
});

test('a rotated value is redacted until the next rotation, and forms do not accumulate', () => {
  const secrets = createSecrets(['configured-value']);
  const owner = {};
  const rotated = Array.from({ length: 1_000 }, (_, index) => `token-number-${index}-of-a-file`);
  for (const value of rotated) secrets.add(value, owner);
  const shown = secrets.redact(rotated.join('\n')).split('\n');
  expect(shown.slice(-2)).toEqual(['[redacted]', '[redacted]']);
  expect(shown.filter((line) => line === '[redacted]')).toHaveLength(2);
  expect(secrets.redact('configured-value')).toBe('[redacted]');
  secrets.replaceConfigured(['another-value']);
  expect(secrets.redact('configured-value another-value')).toBe('[redacted] [redacted]');
  secrets.replaceConfigured(['a-third-value']);
  expect(secrets.redact('configured-value another-value a-third-value')).toBe(
    'configured-value [redacted] [redacted]',
  );
});

test('percent-encoded base64 is redacted, in either case', () => {
  const { redact } = createSecrets(['a>?>?>?>?>?secret']);
  const encoded = encodeURIComponent(Buffer.from('a>?>?>?>?>?secret').toString('base64'));
  expect(redact(`x=${encoded}`)).toBe('x=[redacted]');
  expect(redact(`x=${encoded.replaceAll(/%../g, (code) => code.toLowerCase())}`)).toBe('x=[redacted]');
});

test('a value of one or two characters, which is no token, does not make messages unreadable', () => {
  const secrets = createSecrets(['x', 'ab', 'abc']);
  expect(secrets.redact('an expression in about abc')).toBe('an expression in about [redacted]');
});
