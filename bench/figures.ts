import { readFile } from 'node:fs/promises';

/** The result of one run of a load. */
export interface Figure {
  perSecond: number;
  /** In milliseconds. */
  p50: number;
  p99: number;
  /** The number of unexpected responses; a figure with errors is invalid. */
  errors: number;
}

export function figureOf(latencies: number[], elapsedMs: number, errors = 0): Figure {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { perSecond: (latencies.length * 1000) / elapsedMs, p50: at(0.5), p99: at(0.99), errors };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Formats the median with minimum and maximum: `1234 (1100–1300)`. */
export function spread(values: readonly number[], digits = 0): string {
  const show = (value: number) => value.toFixed(digits);
  if (values.length < 2) return show(median(values));
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;
}

/** Prints a row of a Markdown table, for docs/performance.md. */
export function row(...cells: string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

export function heading(title: string, ...columns: string[]): void {
  console.log(`\n### ${title}\n`);
  row(...columns);
  row(...columns.map(() => '---'));
}

export interface Contender {
  name: string;
  /** The name of the contender that this one is compared with. */
  against?: string;
  /** The processes whose CPU time is reported as the cost. */
  pids?: readonly number[];
  run(): Promise<Figure>;
}

/** Runs the contenders in turns, so that noise affects all of them, and prints a row for each. */
export async function contest(contenders: readonly Contender[], rounds = 3): Promise<void> {
  const figures = new Map<string, Figure[]>(contenders.map(({ name }) => [name, []]));
  const costs = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run, pids } of contenders) {
      const before = await processorMs(pids);
      const began = performance.now();
      const figure = await run();
      const done = (figure.perSecond * (performance.now() - began)) / 1000;
      figures.get(name)?.push(figure);
      costs.get(name)?.push((((await processorMs(pids)) - before) * 1000) / done);
    }
  }
  for (const { name, against, pids } of contenders) {
    const own = figures.get(name) ?? [];
    const theirs = against === undefined ? [] : (figures.get(against) ?? []);
    const ratios = own.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN));
    row(
      name,
      spread(own.map(({ perSecond }) => perSecond)),
      median(own.map(({ p50 }) => p50)).toFixed(2),
      median(own.map(({ p99 }) => p99)).toFixed(2),
      own.reduce((sum, { errors }) => sum + errors, 0).toFixed(),
      pids === undefined ? '' : median(costs.get(name) ?? []).toFixed(0),
      theirs.length === 0 ? '' : `${spread(ratios, 2)} of ${against}`,
    );
  }
}

export const CONTEST_COLUMNS = ['what', 'per second', 'p50 ms', 'p99 ms', 'errors', 'CPU µs each', 'ratio'];

/** The kernel's clock tick in milliseconds, on every Linux that Node supports. */
const TICK_MS = 10;

/**
 * Returns the CPU time of these processes, all threads, in milliseconds. It is the measure that
 * depends least on the load of the machine.
 */
export async function processorMs(pids: readonly number[] = []): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_MS;
}

/** Returns the resident memory of a process in megabytes. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Calls `each` repeatedly for `ms` milliseconds, with `atOnce` calls at a time. */
export async function repeat(atOnce: number, ms: number, each: () => Promise<unknown>): Promise<Figure> {
  const latencies: number[] = [];
  const began = performance.now();
  const end = began + ms;
  const one = async () => {
    while (performance.now() < end) {
      const before = performance.now();
      await each();
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return figureOf(latencies, performance.now() - began);
}

let made = 0;

/** Returns the module with a unique custom section: different bytes, same behaviour. */
export function distinct(wasm: Uint8Array): Uint8Array {
  const note = new TextEncoder().encode(`bench-${String(made++).padStart(4, '0')}`);
  return Buffer.concat([wasm, Uint8Array.of(0, note.length + 1, note.length), note]);
}

export function mebibytes(value: number): string {
  return value.toFixed(0);
}
