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
 * A run in the journal: `<job id>:<crashes>:<when it began, in Unix milliseconds>`. An earlier
 * version has written only the key.
 */
export type RunEntry = RunKey | `${RunKey}:${number}`;

/** Returns the entry of a run that began at `startedAt`, in Unix milliseconds. */
export function runEntry(key: RunKey, startedAt: number): RunEntry {
  return `${key}:${startedAt}`;
}

/** Reads entries. Returns when each run began, by its key; null if that is unknown. */
export function readEntries(entries: Iterable<string>): Map<string, number | null> {
  const runs = new Map<string, number | null>();
  for (const entry of entries) {
    const [id, crashes, startedAt] = entry.split(':');
    runs.set(`${id}:${crashes}`, startedAt === undefined ? null : Number(startedAt));
  }
  return runs;
}

/**
 * Records what was running in each process when it died. Each process has one record, which it
 * replaces as guests begin and end. The record survives the process, including `kill -9`, and is
 * read by the process that receives the jobs next.
 *
 * Contract for drivers: `read` returns the entries of the last `write` of every process that did
 * not close its journal, for at least RETENTION_MS after that write. A write that was started
 * before the process died counts, even if its promise was never awaited.
 */
export interface CrashJournal extends Closable {
  /**
   * Replaces the record of this process. Resolves when the record survives the death of the
   * process.
   */
  write(runs: readonly RunEntry[]): Promise<void>;
  /**
   * Resolves with the runs of every process that has not closed its journal, running or dead: by
   * key, when each began.
   */
  read(): Promise<ReadonlyMap<string, number | null>>;
}

/**
 * The retention of records. A job is redelivered within this time after a crash, even behind a long
 * backlog; a crash whose record has expired is not counted against it.
 */
export const RETENTION_MS = DAY_MS;
