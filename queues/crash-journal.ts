import type { Closable } from '../src/ports/closable.js';

/**
 * A run whose guest has begun, as `<job id>:<crashes>`: the number of crashes tells apart the runs
 * of one job, so that the record of a dead process still says which of its crashes it is about.
 */
export type RunMark = `${string}:${number}`;

export function runMark(id: string, crashes: number): RunMark {
  return `${id}:${crashes}`;
}

/**
 * What was running in each process when it died. Each process has one record, which it replaces as
 * guests begin and end; the record outlives the process, `kill -9` included, and is read by
 * whichever process gets the jobs next.
 *
 * What a driver must do: `read` returns the marks of the last `write` of every process that did not
 * close its journal, for at least KEPT_MS after that write. A write that was begun before the
 * process died counts, even if its promise was never awaited.
 */
export interface CrashJournal extends Closable {
  /** Replaces the record of this process. Resolves when it survives the death of this process. */
  write(marks: readonly RunMark[]): Promise<void>;
  /** The marks of all processes. */
  read(): Promise<ReadonlySet<string>>;
}

/**
 * A job waits at most this long between a crash and its next delivery, a long backlog included;
 * then it is innocent.
 */
export const KEPT_MS = 24 * 3_600_000;
