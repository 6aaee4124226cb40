import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { linkSignals } from '../../src/cloudflare/linked-signal.ts';

test('a linked signal aborts with the first of its sources', () => {
  const source = new AbortController();
  const { signal } = linkSignals([undefined, new AbortController().signal, source.signal]);
  expect(signal.aborted).toBe(false);
  source.abort();
  expect(signal.aborted).toBe(true);
});

test('a source that has already aborted aborts the signal', () => {
  expect(linkSignals([AbortSignal.abort()]).signal.aborted).toBe(true);
});

test('an unlinked signal leaves no listener on its sources', () => {
  const source = new AbortController();
  const { signal, unlink } = linkSignals([source.signal]);
  unlink();
  expect(getEventListeners(source.signal, 'abort')).toEqual([]);
  source.abort();
  expect(signal.aborted).toBe(false);
});
