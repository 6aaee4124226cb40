/** Writes past samples into a Prometheus that runs with --web.enable-remote-write-receiver. */

export interface WrittenSeries {
  /** By name; `__name__` is the metric. */
  readonly labels: Readonly<Record<string, string>>;
  /** In milliseconds, ascending. */
  readonly times: readonly number[];
  /** One per time. `undefined` ends the series, like a scrape without it. */
  readonly values: readonly (number | undefined)[];
}

/** Wire types of protocol buffers. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
/** The NaN by which Prometheus marks the end of a series. */
const STALE = 0x7ff0000000000002n;
const SAMPLE_BYTES = 1 + 8 + 1 + 10;

export async function remoteWrite(url: string, series: readonly WrittenSeries[]): Promise<void> {
  const message = Buffer.concat(series.map((one) => field(1, timeSeries(one))));
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'Content-Encoding': 'snappy',
      'Content-Type': 'application/x-protobuf',
      'X-Prometheus-Remote-Write-Version': '0.1.0',
    },
    body: new Uint8Array(uncompressedSnappy(message)),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Cannot write into Prometheus: ${response.status} ${text}`);
}

function timeSeries({ labels, times, values }: WrittenSeries): Buffer {
  const pairs = Object.entries(labels)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) =>
      field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
    );
  const samples = Buffer.alloc(times.length * (2 + SAMPLE_BYTES));
  let end = 0;
  for (const [index, at] of times.entries()) {
    const value = values[index];
    const start = end + 2;
    samples[start] = tag(1, FIXED64);
    if (value === undefined) samples.writeBigUInt64LE(STALE, start + 1);
    else samples.writeDoubleLE(value, start + 1);
    samples[start + 9] = tag(2, VARINT);
    const next = writeVarint(samples, at, start + 10);
    samples[end] = tag(2, BYTES);
    samples[end + 1] = next - start;
    end = next;
  }
  return Buffer.concat([...pairs, samples.subarray(0, end)]);
}

/** A field that is a message or text. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag(number, BYTES)]), varint(bytes.length), bytes]);
}

function tag(number: number, wireType: number): number {
  return number * 8 + wireType;
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeVarint(bytes, value, 0));
}

/** Returns the position after it. */
function writeVarint(bytes: Buffer, value: number, position: number): number {
  let rest = value;
  let next = position;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes[next] = (rest % 0x80) + 0x80;
    next += 1;
  }
  bytes[next] = rest;
  return next + 1;
}

/** One literal: Snappy's format without its compression. */
function uncompressedSnappy(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length - 1);
  return Buffer.concat([varint(bytes.length), Buffer.from([0xfc]), length, bytes]);
}
