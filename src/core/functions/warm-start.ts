import type { WarmStart } from '../../contract/function.js';
import type { ModuleInspection } from '../../ports/engine.js';

/** Reason for modules whose kind has no faster strategy than `fresh`. */
const FRESH_REASON =
  'starts in microseconds; only reactors, and commands built by the Go compiler, start from a snapshot';

/** Start strategy of a version as stored in its record. */
export interface WarmStartRecord {
  warmStart: WarmStart;
  warmStartReason: string | null;
  probePending: boolean;
}

export function warmStartOf({ warmStart, note, inconclusive }: ModuleInspection): WarmStartRecord {
  const probePending = inconclusive === true;
  const fresh = warmStart === 'fresh' ? FRESH_REASON : null;
  const reason = note ?? fresh;
  const warmStartReason =
    probePending && reason !== null ? `${reason}; it is tried again in the background` : reason;
  return { warmStart, warmStartReason, probePending };
}
