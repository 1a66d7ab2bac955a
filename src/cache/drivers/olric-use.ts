import { z } from 'zod';
import type { Namespace } from '../../contract/ids.js';
import { assertWithinLimit, type CacheLimits } from '../limits.js';

/**
 * What a member of the cluster says of itself, as far as it is used here. Partitions are those
 * whose primary it is.
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
 * An account this full is looked at often, lest several processes pass the limit together; an
 * emptier one seldom.
 */
const OFTEN_MS = 2000;
const SELDOM_MS = 30_000;
/** Younger than this, it is not looked at again before a write is refused. */
const RECENT_MS = 1000;

export interface OlricUseOptions {
  limitOf: CacheLimits['limitOf'];
  /** The answer to STATS of every member that owns a partition. */
  stats(): Promise<readonly string[]>;
  dmapOf(namespace: Namespace): string;
}

/**
 * What namespaces take on Olric, which neither counts by map for us nor runs scripts: its members
 * are asked now and then, and what this process has written since is added. So several processes
 * can pass a limit by what they write within 2 s, and entries that have expired count until Olric
 * has removed them.
 */
export class OlricUse {
  readonly #options: OlricUseOptions;
  readonly #written = new Map<Namespace, number>();
  #measured = new Map<string, number>();
  #measuredAt = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | undefined;

  constructor(options: OlricUseOptions) {
    this.#options = options;
  }

  /** Throws `quota_exceeded` when the entry would be more than the namespace may have. */
  async admit(namespace: Namespace, size: number): Promise<void> {
    const limit = await this.#options.limitOf?.(namespace);
    if (limit === undefined) return;
    const isFull = this.#estimate(namespace) + size > limit / 2;
    await this.#measureAfter(isFull ? OFTEN_MS : SELDOM_MS);
    if (this.#estimate(namespace) + size > limit) await this.#measureAfter(RECENT_MS);
    assertWithinLimit(namespace, this.#estimate(namespace), size, limit);
    this.#written.set(namespace, (this.#written.get(namespace) ?? 0) + size);
  }

  async bytes(namespace: Namespace): Promise<number> {
    await this.#measureAfter(OFTEN_MS);
    return this.#estimate(namespace);
  }

  #estimate(namespace: Namespace): number {
    return (this.#measured.get(this.#options.dmapOf(namespace)) ?? 0) + (this.#written.get(namespace) ?? 0);
  }

  async #measureAfter(ms: number): Promise<void> {
    if (performance.now() - this.#measuredAt < ms) return;
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    await this.#measuring;
  }

  async #measure(): Promise<void> {
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
