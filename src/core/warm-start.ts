import type { WarmStart } from '../contract/function.js';
import type { ModuleReport } from '../ports/engine.js';

/** Said where a module's kind has nothing warmer than fresh. */
const BEST_IS_FRESH =
  'starts in microseconds; only reactors, and commands built by the Go compiler, start from a snapshot';

/** How a version starts, as its record says it. */
export interface WarmStartRecord {
  warmStart: WarmStart;
  warmStartReason: string | null;
  probePending: boolean;
}

export function warmStartOf({ warmStart, note, inconclusive }: ModuleReport): WarmStartRecord {
  const probePending = inconclusive === true;
  const fresh = warmStart === 'fresh' ? BEST_IS_FRESH : null;
  const said = note ?? fresh;
  const warmStartReason =
    probePending && said !== null ? `${said}; it is tried again in the background` : said;
  return { warmStart, warmStartReason, probePending };
}
