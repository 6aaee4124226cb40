import { expect, test } from 'vitest';
import type { FailureReason, Observation, Result } from '../../src/core/model.ts';
import { createFailureLog } from '../../src/log/failure-log.ts';

const MINUTE = 60_000;

interface Line {
  readonly level: 'warn' | 'info';
  readonly fields: unknown;
  readonly message: string | undefined;
}

function aFailureLog() {
  const lines: Line[] = [];
  let now = 0;
  const write =
    (level: Line['level']) =>
    (fields: unknown, message?: string): void =>
      void lines.push({ level, fields, message });
  const unmended = new Set<string>();
  const { observed } = createFailureLog({
    log: { warn: write('warn'), info: write('info') },
    clock: () => now,
    isFailing: (accountId, collector) => unmended.has(`${accountId} ${collector}`),
  });
  return {
    observed,
    unmended,
    wait: (ms: number) => void (now += ms),
    /** What was written since the last call. */
    told: (): readonly Line[] => lines.splice(0),
    messages: (): readonly (string | undefined)[] => lines.splice(0).map(({ message }) => message),
  };
}

function failing(reason: FailureReason): Result<never> {
  return { ok: false, failure: { reason, message: `it is ${reason}` } };
}

function list(result: Result<readonly never[]> = { ok: true, value: [] }, accountId = 'one'): Observation {
  return { kind: 'tunnels', accountId, types: ['cfd_tunnel'], at: 0, result };
}

function connections(result: Result<readonly never[]> = { ok: true, value: [] }): Observation {
  return { kind: 'connections', accountId: 'one', tunnelId: 't', at: 0, result };
}

test('a failure is logged when it starts, with account and collector', () => {
  const log = aFailureLog();
  log.observed([connections(failing('timeout')), connections(failing('timeout')), connections()]);
  expect(log.told()).toEqual([
    {
      level: 'warn',
      fields: { account_id: 'one', collector: 'connections', reason: 'timeout', failed: 2 },
      message: 'it is timeout',
    },
  ]);
});

test('a lasting failure is logged again after ten minutes', () => {
  const log = aFailureLog();
  log.observed([list(failing('auth'))]);
  expect(log.messages()).toEqual(['it is auth']);
  log.wait(10 * MINUTE - 1);
  log.observed([list(failing('auth'))]);
  expect(log.messages()).toEqual([]);
  log.wait(1);
  log.observed([list(failing('auth'))]);
  expect(log.messages()).toEqual(['it is auth']);
});

test('a new reason is logged at once, and alternating reasons once each', () => {
  const log = aFailureLog();
  log.observed([list(failing('network'))]);
  log.observed([list(failing('server'))]);
  log.observed([list(failing('network'))]);
  log.observed([list(failing('server')), list(failing('network'))]);
  expect(log.messages()).toEqual(['it is network', 'it is server']);
});

test('the end of a failure is logged once, with its duration', () => {
  const log = aFailureLog();
  log.observed([list(failing('server'))]);
  log.wait(90_000);
  log.observed([list(failing('network'))]);
  log.told();
  log.wait(30_000);
  log.observed([list()]);
  log.observed([list()]);
  expect(log.told()).toEqual([
    {
      level: 'info',
      fields: { account_id: 'one', collector: 'tunnels', after_seconds: 120 },
      message: 'recovered',
    },
  ]);
  log.observed([list(failing('server'))]);
  expect(log.messages()).toEqual(['it is server']);
});

test('accounts and collectors are separate', () => {
  const log = aFailureLog();
  log.observed([list(failing('server')), list(failing('server'), 'two'), connections(failing('server'))]);
  expect(log.messages()).toHaveLength(3);
  log.observed([list(), list(failing('server'), 'two'), connections(failing('server'))]);
  expect(log.told()).toMatchObject([{ fields: { account_id: 'one', collector: 'tunnels' } }]);
});

test('a deleted tunnel is no failure, an account that is not found is one', () => {
  const log = aFailureLog();
  log.observed([connections(failing('not_found'))]);
  expect(log.messages()).toEqual([]);
  log.observed([list(failing('not_found'))]);
  expect(log.messages()).toEqual(['it is not_found']);
});

test('a collector without requests in a poll neither fails nor recovers', () => {
  const log = aFailureLog();
  log.observed([connections(failing('server'))]);
  log.observed([list()]);
  log.observed([]);
  expect(log.messages()).toEqual(['it is server']);
});

test('a failure that is not retried in every poll lasts until a retry succeeds', () => {
  const log = aFailureLog();
  log.unmended.add('one connections');
  log.observed([connections(failing('server'))]);
  log.told();
  log.observed([connections()]);
  log.observed([connections(failing('server'))]);
  expect(log.told()).toEqual([]);
  log.unmended.clear();
  log.observed([connections()]);
  expect(log.messages()).toEqual(['recovered']);
});

test('a missing permission for routes is logged once', () => {
  const log = aFailureLog();
  const refused = (['network', 'hostname'] as const).map((routeKind): Observation => ({
    kind: 'routes',
    accountId: 'one',
    routeKind,
    at: 0,
    result: failing('permission'),
  }));
  log.unmended.add('one routes');
  for (let hour = 0; hour < 24; hour += 1) {
    log.observed(refused);
    log.wait(60 * MINUTE);
  }
  expect(log.messages()).toEqual(['it is permission']);
});
