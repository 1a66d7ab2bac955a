import { LRUCache } from 'lru-cache';
import type * as z from 'zod';
import type { statsReplySchema } from '../../contract/http/stats.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { AttemptStore, MinuteCount, StatsQuery } from '../../ports/store/attempts.js';

export type Minute = z.infer<typeof statsReplySchema>['per_minute'][number];

const MINUTE_MS = 60_000;
/** Maximum number of namespaces and functions with cached figures. */
const MAX_REMEMBERED = 200;
/** Maximum age of the figures of the current minute and of those just before it. */
const MIN_AGE_MS = 2000;
/**
 * Figures of older minutes rarely change and are cached for this fraction of the minute's age. An
 * hour at 2,000 runs per second has 7 million index entries, which are too many to count every few
 * seconds.
 */
const HOLDS_FRACTION = 1 / 4;

interface Reading {
  figures: Minute;
  /** Unix milliseconds. */
  at: number;
}

export interface FiguresRequest {
  namespace: Namespace;
  function?: FunctionName;
  /** Only functions that match one of these patterns. */
  functions?: readonly string[];
  windowMs: number;
}

/**
 * Resolves with the figures of each minute of a window, oldest first. Only minutes that may have
 * changed are read from the store.
 */
export type MinuteFigures = (request: FiguresRequest) => Promise<Minute[]>;

/** Returns an equal key for requests of the same functions. */
export function subjectOf({ namespace, function: fn, functions }: FiguresRequest): string {
  return JSON.stringify([namespace, fn, functions]);
}

export function createMinuteFigures(
  attempts: Pick<AttemptStore, 'perMinute' | 'durations'>,
  now: () => number = Date.now,
): MinuteFigures {
  const remembered = new LRUCache<string, Map<number, Reading>>({ max: MAX_REMEMBERED });

  return async (request) => {
    const { windowMs, ...of } = request;
    const at = now();
    const last = Math.floor(at / MINUTE_MS);
    const first = last - windowMs / MINUTE_MS + 1;
    const key = subjectOf(request);
    const readings = remembered.get(key) ?? new Map<number, Reading>();
    remembered.set(key, readings);

    const ranges = rangesOf(first, last, (minute) => !holds(readings.get(minute), minute, at));
    // Kept separate from the cache until complete, as another window may be read concurrently.
    const read = new Map<number, Minute>();
    for (const range of ranges) {
      const counts = await attempts.perMinute(queryOf(of, range));
      for (let minute = range.first; minute <= range.last; minute++) {
        read.set(minute, counted(minute, counts));
      }
    }
    const figuresOf = (minute: number) => read.get(minute) ?? readings.get(minute)?.figures;
    const minutes = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const total = minutes.reduce((sum, minute) => sum + (figuresOf(minute)?.accepted ?? 0), 0);
    for (const range of total === 0 ? [] : ranges) {
      for (const [minute, ms] of byMinute(await attempts.durations(queryOf(of, range), total))) {
        const figures = read.get(minute);
        if (figures === undefined) continue;
        ms.sort((a, b) => a - b);
        read.set(minute, { ...figures, p50_ms: percentile(ms, 0.5), p95_ms: percentile(ms, 0.95) });
      }
    }
    const window = minutes.map(figuresOf).filter((figures) => figures !== undefined);
    for (const [minute, figures] of read) readings.set(minute, { figures, at });
    for (const minute of readings.keys()) if (minute <= last - MAX_MINUTES) readings.delete(minute);
    return window;
  };
}

/** The longest window that can be requested. */
const MAX_MINUTES = 1440;

/** A range of consecutive minutes, both ends inclusive. */
interface Range {
  first: number;
  last: number;
}

function queryOf(of: Omit<StatsQuery, 'since' | 'until'>, { first, last }: Range): StatsQuery {
  return { ...of, since: first * MINUTE_MS, until: (last + 1) * MINUTE_MS };
}

function counted(minute: number, counts: readonly MinuteCount[]): Minute {
  const mine = counts.filter((one) => one.minute === minute);
  const count = (state: string) => mine.find((one) => one.state === state)?.count ?? 0;
  return {
    minute: new Date(minute * MINUTE_MS).toISOString(),
    accepted: mine.reduce((sum, one) => sum + one.count, 0),
    success: count('success'),
    error: count('error'),
    timeout: count('timeout'),
    dead: count('dead'),
    p50_ms: null,
    p95_ms: null,
  };
}

function holds(reading: Reading | undefined, minute: number, at: number): boolean {
  if (reading === undefined) return false;
  const age = at - (minute + 1) * MINUTE_MS;
  return at - reading.at < Math.max(MIN_AGE_MS, age * HOLDS_FRACTION);
}

/** Returns the minutes to read as the smallest number of ranges. */
function rangesOf(first: number, last: number, isWanted: (minute: number) => boolean): Range[] {
  const ranges: Range[] = [];
  for (let minute = first; minute <= last; minute++) {
    if (!isWanted(minute)) continue;
    const range = ranges.at(-1);
    if (range?.last === minute - 1) range.last = minute;
    else ranges.push({ first: minute, last: minute });
  }
  return ranges;
}

function byMinute(rows: readonly { minute: number; ms: number }[]): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { minute, ms } of rows) {
    const list = found.get(minute);
    if (list === undefined) found.set(minute, [ms]);
    else list.push(ms);
  }
  return found;
}

/** Returns the percentile by the nearest-rank method; null for an empty list. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
