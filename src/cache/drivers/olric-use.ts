import * as z from 'zod';
import { sharedWhilePending } from '../../concurrency/shared-while-pending.js';
import type { Namespace } from '../../contract/ids.js';
import { assertWithinLimit, type CacheLimits } from '../limits.js';

/**
 * The part of a cluster member's statistics that is used here. `partitions` are those of which the
 * member is the primary owner.
 */
const statsSchema = z.object({
  partitions: z
    .record(
      z.string(),
      z.object({
        dmaps: z.record(z.string(), z.object({ slab_info: z.object({ inuse: z.number() }) })).nullish(),
      }),
    )
    .nullish(),
});

/**
 * Interval between measurements: short for a namespace above half of its limit, so that several
 * processes do not exceed the limit together, and long otherwise.
 */
const SHORT_INTERVAL_MS = 2000;
const LONG_INTERVAL_MS = 30_000;
/** A measurement younger than this is not repeated before a write is refused. */
const RECENT_MS = 1000;

export interface OlricUseOptions {
  limitOf: CacheLimits['limitOf'];
  /** Returns the STATS response of every member that owns a partition. */
  stats(): Promise<readonly string[]>;
  dmapOf(namespace: Namespace): string;
}

/**
 * Estimates the cache size of namespaces on Olric, which does not expose a size per DMap that is
 * cheap to read and does not run scripts. The members are polled periodically, and the bytes that
 * this process has written since are added. Several processes together can therefore exceed a limit
 * by what they write within 2 s, and expired entries count until Olric has removed them.
 */
export class OlricUse {
  readonly #options: OlricUseOptions;
  readonly #written = new Map<Namespace, number>();
  #measured = new Map<string, number>();
  #measuredAt = Number.NEGATIVE_INFINITY;
  readonly #measure = sharedWhilePending(() => this.#measureNow());

  constructor(options: OlricUseOptions) {
    this.#options = options;
  }

  /** Throws `quota_exceeded` if the entry would exceed the limit of the namespace. */
  async admit(namespace: Namespace, size: number): Promise<void> {
    const limit = await this.#options.limitOf?.(namespace);
    if (limit === undefined) return;
    const isFull = this.#estimate(namespace) + size > limit / 2;
    await this.#measureAfter(isFull ? SHORT_INTERVAL_MS : LONG_INTERVAL_MS);
    if (this.#estimate(namespace) + size > limit) await this.#measureAfter(RECENT_MS);
    assertWithinLimit(namespace, this.#estimate(namespace), size, limit);
    this.#written.set(namespace, (this.#written.get(namespace) ?? 0) + size);
  }

  async bytes(namespace: Namespace): Promise<number> {
    await this.#measureAfter(SHORT_INTERVAL_MS);
    return this.#estimate(namespace);
  }

  #estimate(namespace: Namespace): number {
    return (this.#measured.get(this.#options.dmapOf(namespace)) ?? 0) + (this.#written.get(namespace) ?? 0);
  }

  async #measureAfter(ms: number): Promise<void> {
    if (performance.now() - this.#measuredAt >= ms) await this.#measure();
  }

  async #measureNow(): Promise<void> {
    const measured = new Map<string, number>();
    for (const text of await this.#options.stats()) {
      const { partitions } = statsSchema.parse(JSON.parse(text));
      for (const { dmaps } of Object.values(partitions ?? {})) {
        for (const [dmap, { slab_info: slab }] of Object.entries(dmaps ?? {})) {
          measured.set(dmap, (measured.get(dmap) ?? 0) + slab.inuse);
        }
      }
    }
    this.#measured = measured;
    this.#measuredAt = performance.now();
    this.#written.clear();
  }
}
