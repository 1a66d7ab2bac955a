/** The repeat options of a scheduler, as BullMQ passes them. */
export interface RepeatOptions {
  name?: string;
  tz?: string;
  pattern?: string;
  every?: number;
  offset?: number | null;
  startDate?: number;
  endDate?: number;
  limit?: number;
}

/** The options of a single run. */
export interface RunOptions {
  priority?: number;
  timestamp?: number;
  repeat?: { offset?: number | null; every?: number };
  [option: string]: unknown;
}

/** A stored scheduler. */
export interface Scheduler {
  name: string | null;
  /** When its newest run is due. */
  nextRun: number | null;
  pattern: string | null;
  every: number | null;
  tz: string | null;
  startDate: number | null;
  endDate: number | null;
  limit: number | null;
  iterations: number;
  offset: number | null;
  /** The data of its runs. JSON. */
  data: string | null;
  /** The options of its runs. JSON. */
  opts: string | null;
}

interface Interval {
  /** When the newest run was due; null: there is none, or it was of another interval. */
  previous: number | null;
  every: number;
  /** From the multiples of `every`; 0: not given. */
  offset: number;
  startDate: number | null;
  now: number;
}

/** Returns the next run of a fixed interval, and its offset from the multiples of that interval. */
export function nextOfInterval({ previous, every, offset, startDate, now }: Interval): {
  next: number;
  offset: number;
} {
  const slot = Math.floor(now / every) * every + offset;
  const nextSlot = slot <= now ? slot + every : slot;
  let next: number;
  if (previous !== null) next = previous + every < now ? nextSlot : previous + every;
  else if (startDate !== null) next = Math.max(startDate, now);
  else next = offset > 0 ? nextSlot : now;
  return { next, offset: offset === 0 ? next - Math.floor(next / every) * every : offset };
}

export interface NextRunOptions {
  /** When the next run of a pattern is due. That of an interval is computed here. */
  nextMillis: number;
  repeat: RepeatOptions;
  run: RunOptions;
  now: number;
}

/** Returns when a scheduler is to run next, whatever runs it already has. */
export function planRun(
  existing: Scheduler | undefined,
  { nextMillis, repeat, run, now }: NextRunOptions,
): { next: number; offset: number; continuesInterval: boolean } {
  const every = repeat.every ?? null;
  const givenOffset = repeat.offset ?? run.repeat?.offset ?? null;
  if (every === null) return { next: nextMillis, offset: givenOffset ?? 0, continuesInterval: false };
  const previous = existing?.nextRun ?? null;
  const continuesInterval = previous === null || existing?.every === every;
  const { next, offset } = nextOfInterval({
    previous: continuesInterval ? previous : null,
    every,
    offset: givenOffset ?? 0,
    startDate: repeat.startDate ?? null,
    now,
  });
  return { next, offset: givenOffset === null ? (existing?.offset ?? offset) : offset, continuesInterval };
}
