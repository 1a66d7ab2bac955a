import type { Namespace } from '../src/contract/ids.js';
import type { LiveInvocation } from '../src/ports/queue.js';

interface IdPage {
  /** Newest first. */
  ids: string[];
  next: string | null;
}

/**
 * Adds to a page of a namespace the jobs that are being cancelled: the driver may not list them any
 * more.
 */
export function withBeingCancelled(
  page: IdPage,
  cancelling: ReadonlyMap<string, LiveInvocation>,
  { namespace, limit, cursor }: { namespace: Namespace; limit: number; cursor: string | null },
): IdPage {
  if (cancelling.size === 0) return page;
  const ids = new Set(page.ids);
  for (const [id, { invocation }] of cancelling) {
    const isOnPage = (cursor === null || id < cursor) && (page.next === null || id > page.next);
    if (invocation.namespace === namespace && isOnPage) ids.add(id);
  }
  const all = [...ids].sort().reverse();
  if (all.length <= limit) return { ids: all, next: page.next };
  const kept = all.slice(0, limit);
  return { ids: kept, next: kept.at(-1) ?? null };
}
