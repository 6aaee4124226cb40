import { writeSync } from 'node:fs';

export interface LogSinkOptions {
  /** Writes as many bytes as fit and returns their number. Throws Node's EAGAIN error if nothing fits now. */
  readonly write: (bytes: Uint8Array) => number;
  /** Returns the line that reports dropped lines. */
  readonly dropped: (lines: number) => string;
  /** Limit of pending bytes. Default: 1 MiB. */
  readonly maxBytes?: number;
  /** Default: 100. */
  readonly retryMs?: number;
}

export interface LogSink {
  /** Takes a complete line with its newline. Never blocks, never throws. */
  readonly write: (line: string) => void;
  /** Writes pending lines, blocking up to this long. For the end of the process. */
  readonly flush: (maxMs: number) => void;
}

interface Pending {
  readonly bytes: Buffer;
  /** How many lines are lost if it is dropped: more than one for a report of dropped lines. */
  readonly lines: number;
}

const MAX_PENDING_BYTES = 1024 * 1024;
const RETRY_MS = 100;

/** Keeps lines that do not fit, up to a limit. Drops, counts and reports those beyond it. */
export function createLogSink(options: LogSinkOptions): LogSink {
  const { maxBytes = MAX_PENDING_BYTES, retryMs = RETRY_MS } = options;
  const pending: Pending[] = [];
  let pendingBytes = 0;
  let droppedLines = 0;
  let retry: NodeJS.Timeout | undefined;

  const append = (line: string, lines: number): void => {
    const bytes = Buffer.from(line);
    pending.push({ bytes, lines });
    pendingBytes += bytes.length;
  };

  const drain = (): void => {
    for (;;) {
      const [first] = pending;
      if (first === undefined) {
        if (droppedLines === 0) return;
        append(options.dropped(droppedLines), droppedLines);
        droppedLines = 0;
        continue;
      }
      const written = writeSome(first.bytes);
      if (written === 'nothing fits') return;
      const isOver = written === 'lost' || written === first.bytes.length;
      if (written === 'lost') droppedLines += first.lines;
      pendingBytes -= isOver ? first.bytes.length : written;
      if (isOver) pending.shift();
      else pending[0] = { ...first, bytes: first.bytes.subarray(written) };
      if (written === 'lost') return;
    }
  };

  const writeSome = (bytes: Buffer): number | 'nothing fits' | 'lost' => {
    try {
      return options.write(bytes);
    } catch (error) {
      // Other errors mean that the reader is gone or the disk is full.
      return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 'nothing fits' : 'lost';
    }
  };

  const drainLater = (): void => {
    if (pending.length === 0 && droppedLines === 0) return;
    retry ??= setTimeout(() => {
      retry = undefined;
      drain();
      drainLater();
    }, retryMs).unref();
  };

  return {
    write: (line) => {
      if (pendingBytes + line.length > maxBytes) droppedLines += 1;
      else append(line, 1);
      if (retry === undefined) drain();
      drainLater();
    },
    flush: (maxMs) => {
      const deadline = performance.now() + maxMs;
      drain();
      while (pending.length > 0 && performance.now() < deadline) {
        Atomics.wait(NEVER_NOTIFIED, 0, 0, 10);
        drain();
      }
    },
  };
}

const NEVER_NOTIFIED = new Int32Array(new SharedArrayBuffer(4));

const FLUSH_MS = 500;

/** Standard error, flushed when the process exits. */
export function standardErrorSink(dropped: (lines: number) => string): LogSink {
  // Opening Node's stream makes pipes and sockets non-blocking; a write that does not fit then
  // fails with EAGAIN.
  void process.stderr;
  const sink = createLogSink({ write: (bytes) => writeSync(2, bytes), dropped });
  process.on('exit', () => sink.flush(FLUSH_MS));
  return sink;
}
