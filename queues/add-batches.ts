import type { AppError } from '../src/errors.js';
import { Batcher } from './batcher.js';
import type { JobGroup, Shares } from './driver.js';

/** More jobs in one round trip gain nothing, and let the store and this process wait for each other. */
const MAX_JOBS = 32;
/** Of input in one round trip, so that a slow network does not make it late. */
const MAX_BYTES = 8 << 20;

/** What one caller adds. */
export interface Add {
  group: JobGroup;
  /** Of input. */
  bytes: number;
  shares: Shares;
}

type Send = (groups: readonly JobGroup[], shares: Shares) => Promise<(AppError | null)[]>;

/** What is added in one turn goes in one round trip, or as many as it fills. */
export function batchAdds(send: Send): Batcher<Add, null> {
  return new Batcher<Add, null>({
    send: (adds) =>
      send(
        adds.map(({ group }) => group),
        sharesIn(adds),
      ),
    fits: fitsRoundTrip,
    defer: setImmediate,
  });
}

export function addOf(group: JobGroup, shares: Shares): Add {
  return { group, bytes: group.reduce((sum, { data }) => sum + data.s, 0), shares };
}

function fitsRoundTrip(adds: readonly Add[], { group, bytes }: Add): boolean {
  const jobs = adds.reduce((sum, add) => sum + add.group.length, group.length);
  return jobs <= MAX_JOBS && adds.reduce((sum, add) => sum + add.bytes, bytes) <= MAX_BYTES;
}

function sharesIn(adds: readonly Add[]): Shares {
  const [only] = adds;
  if (only !== undefined && adds.length === 1) return only.shares;
  return new Map(adds.flatMap(({ shares }) => [...shares]));
}
