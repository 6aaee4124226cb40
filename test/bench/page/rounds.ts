/**
 * Ratios within one run: the machine is never as quiet as one would like, so contenders take turns,
 * round by round.
 */

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

export interface Figures {
  /** Each round's. */
  readonly values: readonly number[];
  readonly median: number;
}

/**
 * Runs every contender once per round, in an order that changes, and gives what each measured of
 * itself.
 */
export async function takeTurns<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<number>>>,
): Promise<(name: Name) => Figures> {
  const entries: [string, () => Promise<number>][] = Object.entries(contenders);
  const measured = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    const first = round % entries.length;
    for (const [name, measure] of [...entries.slice(first), ...entries.slice(0, first)])
      measured.set(name, [...(measured.get(name) ?? []), await measure()]);
  }
  return (name) => {
    const values = measured.get(name) ?? [];
    return { values, median: median(values) };
  };
}

/** The median of the rounds' ratios. */
export function ratio(a: Figures, b: Figures): number {
  return median(a.values.map((value, round) => value / (b.values[round] ?? NaN)));
}

/** Milliseconds of this thread's CPU: what others do on the machine hardly shows in them. */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Milliseconds of CPU of all threads of this process. */
export async function processCpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function printTable(title: string, rows: readonly (readonly [string, string])[]): void {
  const lines = rows.map(([what, figure]) => `| ${what} | ${figure} |\n`).join('');
  process.stdout.write(`\n| ${title} | |\n|---|---|\n${lines}`);
}
