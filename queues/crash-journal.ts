import { DAY_MS } from '../src/contract/limits.js';
import type { Closable } from '../src/ports/closable.js';

/**
 * Identifies a run whose guest has begun, as `<job id>:<crashes>`. The number of crashes tells the
 * runs of one job apart, so that the record of a dead process identifies the crash it belongs to.
 */
export type RunKey = `${string}:${number}`;

/** Returns the key of a job's run after `crashes` worker crashes. */
export function runKey(id: string, crashes: number): RunKey {
  return `${id}:${crashes}`;
}

/**
 * Records what was running in each process when it died. Each process has one record, which it
 * replaces as guests begin and end. The record survives the process, including `kill -9`, and is
 * read by the process that receives the jobs next.
 *
 * Contract for drivers: `read` returns the keys of the last `write` of every process that did not
 * close its journal, for at least RETENTION_MS after that write. A write that was started before
 * the process died counts, even if its promise was never awaited.
 */
export interface CrashJournal extends Closable {
  /**
   * Replaces the record of this process. Resolves when the record survives the death of the
   * process.
   */
  write(runs: readonly RunKey[]): Promise<void>;
  /** Resolves with the keys of every process that has not closed its journal, running or dead. */
  read(): Promise<ReadonlySet<string>>;
}

/**
 * The retention of records. A job is redelivered within this time after a crash, even behind a long
 * backlog; a crash whose record has expired is not counted against it.
 */
export const RETENTION_MS = DAY_MS;
