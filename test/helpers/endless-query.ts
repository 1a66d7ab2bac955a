import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './until.js';

/** A statement that computes and never ends. */
export const ENDLESS_QUERY =
  'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

/** More CPU time than a process needs to start, in clock ticks of 10 ms. */
const COMPUTING_TICKS = 30;

/** Returns the child processes of this process that run SQL statements. Linux only. */
export function sqliteChildren(): number[] {
  return readdirSync('/proc/self/task')
    .flatMap((task) => procOf(`self/task/${task}`, 'children').split(' '))
    .filter((pid) => pid !== '' && procOf(pid, 'cmdline').includes('sqlite-child'))
    .map(Number);
}

/**
 * Waits until so many statements compute: their processes take CPU time beyond that of a start. A
 * pause would be too short on a busy machine, and its test would pass without a statement.
 */
export async function computing(statements: number): Promise<void> {
  const first = new Map(sqliteChildren().map((pid) => [pid, cpuTicks(pid)]));
  await until(`${statements} statements compute`, () => {
    const busy = sqliteChildren().filter((pid) => cpuTicks(pid) - (first.get(pid) ?? 0) >= COMPUTING_TICKS);
    return busy.length >= statements;
  });
}

/** Waits until a process that runs SQL statements has the file open. */
export async function opened(file: string): Promise<void> {
  await until(`${file} is open`, () =>
    sqliteChildren().some((pid) => openFiles(pid).some((path) => path === file)),
  );
}

/** The CPU time of all threads of a process. */
function cpuTicks(pid: number): number {
  // The name of the program, in parentheses, may contain spaces.
  const fields = procOf(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    // The process has ended, or has closed a file since it was listed.
    return [];
  }
}

/** Empty for a process or thread that has ended since it was listed. */
function procOf(pid: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
