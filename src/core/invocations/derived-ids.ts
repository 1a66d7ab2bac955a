import { createHmac, randomBytes } from 'node:crypto';
import { loadedOnce } from '../../concurrency/loaded-once.js';
import { type RequestId, requestIdSchema } from '../../contract/ids.js';
import type { SettingStore } from '../../ports/store/settings.js';
import { uuidOf } from '../../uuid.js';

/**
 * Derives the id of an invocation from the time and the name of what causes it: the same in all
 * processes, so that a cause that is handled twice starts one invocation.
 */
export type DerivedIds = (milliseconds: number, name: string) => Promise<RequestId>;

/**
 * Ids are keyed with a secret of the installation: with X-Request-ID, anybody can run an invocation
 * with an id that can be computed beforehand, and the invocation to which it belongs would not run.
 */
export function createDerivedIds(settings: SettingStore): DerivedIds {
  const secret = loadedOnce(() => {
    const made = randomBytes(32).toString('base64url');
    return settings.putIfAbsent('engine', 'derived-ids-key', made);
  });
  return async (milliseconds, name) => {
    const digest = createHmac('sha256', await secret())
      .update(name)
      .digest();
    return requestIdSchema.parse(uuidOf(milliseconds, digest));
  };
}
