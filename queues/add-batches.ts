import type { AppError } from '../src/errors.js';
import type { QueueShare } from '../src/ports/queue.js';
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
  /** Of the namespaces in the group that have one. */
  shares: readonly NamespaceShare[];
}

export type NamespaceShare = readonly [namespace: string, share: QueueShare];

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

function fitsRoundTrip(adds: readonly Add[], { group, bytes }: Add): boolean {
  const jobs = adds.reduce((sum, add) => sum + add.group.length, group.length);
  return jobs <= MAX_JOBS && adds.reduce((sum, add) => sum + add.bytes, bytes) <= MAX_BYTES;
}

function sharesIn(adds: readonly Add[]): Shares {
  const shares = new Map<string, QueueShare>();
  for (const add of adds) for (const [namespace, share] of add.shares) shares.set(namespace, share);
  return shares;
}
