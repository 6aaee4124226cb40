import { expect, test, vi } from 'vitest';
import { createLogSink } from '../../src/log/sink.ts';

/** A reader that takes as many bytes as it has room for, like a pipe. */
function aPipe(room = 0) {
  let left = room;
  let taken = '';
  return {
    taken: () => taken,
    makeRoom: (bytes: number) => void (left += bytes),
    write: (bytes: Uint8Array): number => {
      if (left === 0) throw Object.assign(new Error('write EAGAIN'), { code: 'EAGAIN' });
      const part = bytes.subarray(0, left);
      left -= part.length;
      taken += Buffer.from(part).toString('utf8');
      return part.length;
    },
  };
}

const dropped = (lines: number): string => `dropped ${lines}\n`;

test('lines are written at once, in order, also in parts', () => {
  const pipe = aPipe(7);
  const sink = createLogSink({ write: pipe.write, dropped });
  sink.write('one\n');
  expect(pipe.taken()).toBe('one\n');
  sink.write('two\n');
  sink.write('three\n');
  expect(pipe.taken()).toBe('one\ntwo');
  pipe.makeRoom(100);
  sink.flush(1_000);
  expect(pipe.taken()).toBe('one\ntwo\nthree\n');
});

test('without a reader, lines wait up to the limit; others are dropped, counted and reported later', () => {
  vi.useFakeTimers();
  const pipe = aPipe();
  const sink = createLogSink({ write: pipe.write, dropped, maxBytes: 20 });
  for (let line = 0; line < 1_000; line += 1) sink.write('0123456\n');
  expect(pipe.taken()).toBe('');
  pipe.makeRoom(1_000);
  vi.advanceTimersByTime(1_000);
  expect(pipe.taken()).toBe('0123456\n0123456\ndropped 998\n');
  sink.write('later\n');
  expect(pipe.taken()).toMatch(/\nlater\n$/);
  vi.useRealTimers();
});

test('flush waits for the reader for a limited time', () => {
  const pipe = aPipe();
  const sink = createLogSink({ write: pipe.write, dropped });
  sink.write('unread\n');
  sink.flush(20);
  expect(pipe.taken()).toBe('');
});

test('a reader that has gone away, or a full disk, loses lines and nothing else', () => {
  let code = 'EPIPE';
  let taken = '';
  const sink = createLogSink({
    write: (bytes) => {
      if (code !== '') throw Object.assign(new Error(code), { code });
      taken += Buffer.from(bytes).toString('utf8');
      return bytes.length;
    },
    dropped,
  });
  sink.write('lost\n');
  code = 'ENOSPC';
  sink.write('lost as well\n');
  sink.flush(1_000);
  sink.flush(1_000);
  code = '';
  sink.flush(1_000);
  sink.write('kept\n');
  sink.flush(1_000);
  expect(taken).toBe('dropped 2\nkept\n');
});
