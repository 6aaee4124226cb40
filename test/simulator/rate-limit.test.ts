import { expect, test } from 'vitest';
import { SIMULATOR_TOKEN } from '../../src/simulator/simulation.ts';
import { ACCOUNT, codes, rig } from './support.ts';

const path = `/accounts/${ACCOUNT}/tunnels`;
const MINUTE = 60_000;

test('the 1201st request in five minutes is refused, and every one of the next five minutes', () => {
  const { ask, wait, simulation, now } = rig();
  for (let request = 0; request < 1200; request += 1) expect(ask(path).status).toBe(200);
  const refused = ask(path);
  expect(refused.status).toBe(429);
  expect(codes(refused)).toEqual([971]);
  expect(refused.headers['retry-after']).toBe('300');
  expect(simulation.rateLimit.state(SIMULATOR_TOKEN, now()).blockedUntil).toBe(now() + 5 * MINUTE);
  wait(4 * MINUTE + 59_500);
  const still = ask(path);
  expect(still.status).toBe(429);
  expect(still.headers['retry-after']).toBe('1');
  wait(500);
  expect(ask(path).status).toBe(200);
  expect(simulation.rateLimit.state(SIMULATOR_TOKEN, now())).toEqual({ used: 1, blockedUntil: undefined });
});

test('the window slides', () => {
  const { ask, wait } = rig({ rateLimit: { requests: 2, windowMs: 1000, blockMs: 1000 } });
  const statuses = [0, 600, 600, 600, 1].map((ms) => {
    wait(ms);
    return ask(path).status;
  });
  expect(statuses).toEqual([200, 200, 200, 200, 429]);
});

test('the tokens of one user share a limit', () => {
  const { ask, simulation } = rig({ rateLimit: { requests: 2 } });
  simulation.tokens.add({ value: 'another-token-12345' });
  simulation.tokens.add({ value: 'token-of-somebody-else', user: 'somebody else' });
  ask('/user/tokens/verify');
  ask({ path: `${path}?per_page=bad`, token: 'another-token-12345' });
  expect(ask(path).status).toBe(429);
  expect(ask({ path, token: 'another-token-12345' }).status).toBe(429);
  expect(ask({ path, token: 'token-of-somebody-else' }).status).toBe(200);
});

test('a token that an account owns has a limit of its own', () => {
  const { ask, simulation, now } = rig({ rateLimit: { requests: 1 } });
  const own = ['token-of-the-account-1', 'token-of-the-account-2'];
  for (const value of own) simulation.tokens.add({ value, owner: 'account' });
  expect([path, ...own.map((token) => ({ path, token }))].map((asked) => ask(asked).status)).toEqual([
    200, 200, 200,
  ]);
  expect(ask({ path, token: own[0] ?? '' }).status).toBe(429);
  expect(ask({ path, token: own[1] ?? '' }).status).toBe(429);
  for (const value of own) {
    const { countsFor = '' } = simulation.tokens.find(value) ?? {};
    expect(simulation.requests.count({ countsFor, limited: true })).toBe(1);
    expect(simulation.rateLimit.state(value, now()).blockedUntil).toBe(now() + 5 * MINUTE);
  }
});

test('a token that becomes account-owned has its own limit from then on', () => {
  const { ask, simulation } = rig({ rateLimit: { requests: 1 } });
  ask(path);
  simulation.tokens.change(SIMULATOR_TOKEN, { owner: 'account' });
  expect([ask(path).status, ask(path).status]).toEqual([200, 429]);
});

test('a successful answer has r=1199 whatever was used, and no retry-after', () => {
  const { ask } = rig();
  ask(path);
  const { headers } = ask(path);
  expect(headers).toMatchObject({
    Ratelimit: '"default";r=1199;t=1',
    'Ratelimit-Policy': '"default";q=1200;w=300',
  });
  expect(headers).not.toHaveProperty('retry-after');
});

test('requests are counted per endpoint, account, tunnel, status and time', () => {
  const { ask, wait, simulation, now } = rig({ rateLimit: { requests: 4 } });
  const start = now();
  ask(path);
  wait(1000);
  ask(path);
  ask(`/accounts/${ACCOUNT}/cfd_tunnel/00000000-0000-4000-8000-000000000001`);
  wait(1000);
  ask('/nowhere');
  ask(path);
  const { requests } = simulation;
  expect(requests.count()).toBe(5);
  expect(requests.count({ endpoint: 'tunnels' })).toBe(3);
  expect(requests.count({ endpoint: 'tunnels', limited: false })).toBe(2);
  expect(requests.count({ tunnelId: '00000000-0000-4000-8000-000000000001', status: 404 })).toBe(1);
  expect(requests.count({ from: start, until: start + 1000 })).toBe(1);
  expect(requests.peak(1000)).toBe(2);
  expect(requests.peak(1001)).toBe(4);
  expect(requests.totals()).toEqual({ tunnels: 3, cfd_tunnel_get: 1, unrouted: 1 });
  requests.clear();
  expect(requests.count()).toBe(0);
});

test('the log of requests holds no token and stays small', () => {
  const { ask, simulation } = rig({ keepRequests: 10 });
  for (let request = 0; request < 100; request += 1) ask(path);
  expect(simulation.requests.entries().length).toBeLessThanOrEqual(20);
  expect(simulation.requests.totals()).toEqual({ tunnels: 100 });
  expect(JSON.stringify(simulation.requests.entries())).not.toContain(SIMULATOR_TOKEN);
});
