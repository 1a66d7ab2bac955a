import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import type { statsReplySchema } from '../contract/http/stats.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import type { AttemptStore, MinuteCount, StatsQuery } from '../ports/store/attempts.js';

export type Minute = z.infer<typeof statsReplySchema>['per_minute'][number];

const MINUTE_MS = 60_000;
/** Of namespaces and functions whose figures somebody looks at. */
const MAX_REMEMBERED = 200;
/** The minute that still runs, and those just before it, are read anew after this. */
const LEAST_AGE_MS = 2000;
/**
 * Older minutes change seldom: a reading holds for this share of the minute's age. An hour at 2,000
 * runs a second is 7 million index entries, which nobody may count every few seconds.
 */
const HOLDS_SHARE = 1 / 4;

interface Reading {
  figures: Minute;
  /** Unix milliseconds. */
  at: number;
}

export interface FiguresRequest {
  namespace: Namespace;
  function?: FunctionName;
  windowMs: number;
}

/**
 * The figures of each minute of a window, oldest first; of the store only the minutes that may have
 * changed are read.
 */
export type MinuteFigures = (request: FiguresRequest) => Promise<Minute[]>;

export function createMinuteFigures(
  attempts: Pick<AttemptStore, 'perMinute' | 'durations'>,
  now: () => number = Date.now,
): MinuteFigures {
  const remembered = new LRUCache<string, Map<number, Reading>>({ max: MAX_REMEMBERED });

  return async ({ namespace, function: fn, windowMs }) => {
    const at = now();
    const last = Math.floor(at / MINUTE_MS);
    const first = last - windowMs / MINUTE_MS + 1;
    const of = { namespace, ...(fn === undefined ? {} : { function: fn }) };
    const key = `${namespace}/${fn ?? ''}`;
    const readings = remembered.get(key) ?? new Map<number, Reading>();
    remembered.set(key, readings);

    const ranges = rangesOf(first, last, (minute) => !holds(readings.get(minute), minute, at));
    // Beside what is remembered until it is whole: another window may be read meanwhile.
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

/** The longest window that can be asked for. */
const MAX_MINUTES = 1440;

/** Neighbouring minutes, both ends included. */
interface Range {
  first: number;
  last: number;
}

function queryOf(of: Pick<StatsQuery, 'namespace' | 'function'>, { first, last }: Range): StatsQuery {
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
  return at - reading.at < Math.max(LEAST_AGE_MS, age * HOLDS_SHARE);
}

/** The minutes that are to be read, in as few ranges as there can be. */
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

/** By nearest rank; null of nothing. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
