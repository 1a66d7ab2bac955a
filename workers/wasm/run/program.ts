import type { ExportNames } from '../instrument/rewrite.js';
import type { Snapshot } from './image.js';
import type { Shape } from './module-check.js';
import type { PrngState } from './prng-states.js';
import type { GuestResult, Session } from './session.js';
import type { TimeCell } from './time-cells.js';

export interface ProgramBase {
  /**
   * For a program with a snapshot: without what the memory holds, so that programs which differ in
   * nothing else have the same.
   */
  module: WebAssembly.Module;
  /** SHA-256 of the module as it was compiled. */
  moduleHash: string;
  /** Of the module as it was compiled: its code in memory is a multiple of that. */
  moduleBytes: number;
  shape: Shape;
  names: ExportNames;
  /** Of the card table, which precedes the guest's memory; 0 without write barriers. */
  tableBytes: number;
  limitMb: number;
  /**
   * The module's own maximum is below the limit, so growth that it is refused is not the limit's
   * doing.
   */
  ownMaximum: boolean;
  /** It imports what guests wait in: threads are made ready for that before the first one waits. */
  waits: boolean;
}

export interface FreshProgram extends ProgramBase {
  strategy: 'fresh';
  /**
   * What an instance is before any of its code has run, so that it can be put back to that instead
   * of made anew. null when the module has state that cannot be put back: then each run has an
   * instance of its own.
   */
  snapshot: Snapshot | null;
}

/**
 * Runs from a snapshot: of a reactor after `_initialize`, of a Go command before its first
 * observable call.
 */
export interface WarmProgram extends ProgramBase {
  strategy: 'reactor' | 'go-command';
  snapshot: Snapshot;
  /** Go's random state in the snapshot, seeded anew before each run. */
  prngStates: readonly PrngState[];
  /** Times in the snapshot, moved to the clock of each run. */
  timeCells: readonly TimeCell[];
}

/**
 * A module ready to run. Made once by the preparing thread and posted to the others, who share its
 * code and its snapshot.
 */
export type Program = FreshProgram | WarmProgram;

/** Runs one program on one thread, each time on a state that no other invocation has touched. */
export interface Runner {
  run(session: Session): GuestResult;
  /** Makes ready for the first run. */
  prepare(): void;
  /** What is not needed for the reply: making ready for the next run. */
  reset(): void;
  /** Whether `reset` takes no longer than telling that it is done would. */
  resetsAtOnce(): boolean;
  /** Bytes of memory kept between runs. */
  keptBytes(): number;
}
