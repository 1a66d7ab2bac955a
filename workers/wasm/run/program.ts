import type { ExportNames } from '../instrument/draft.js';
import type { ModuleShape } from './module-check.js';
import type { PrngState } from './prng-states.js';
import type { GuestResult } from './session.js';
import type { Snapshot } from './snapshot.js';
import type { TimeCell } from './time-cells.js';

/** The part of a program that does not depend on the start strategy. */
export interface ProgramBase {
  /**
   * The compiled module. For a program with a snapshot, it excludes the contents of the memory, so
   * that programs that differ only in them share it.
   */
  module: WebAssembly.Module;
  /** The SHA-256 of the compiled module's bytes. */
  moduleHash: string;
  /** The size of the compiled module's bytes; its machine code takes a multiple of that. */
  moduleBytes: number;
  shape: ModuleShape;
  names: ExportNames;
  /** The size of the card table, which precedes the guest's memory; 0 without write barriers. */
  tableBytes: number;
  limitMb: number;
  /**
   * The most that a guest can hold on the thread's heap in addition to its memory, in whole
   * megabytes: see `heapUse`.
   */
  heapMb: number;
  /** What an instance takes there before it runs, in bytes. */
  instanceBytes: number;
  /**
   * Whether the module's own maximum is below the limit, so that a refused growth is not caused by
   * the limit.
   */
  ownMaximum: boolean;
  /**
   * Whether it imports functions in which guests wait. Threads are then started before the first
   * guest waits.
   */
  waits: boolean;
}

/** A program whose runs start from a new instance's state. */
export interface FreshProgram extends ProgramBase {
  strategy: 'fresh';
  /**
   * The state of an instance before any of its code has run, to which an instance is restored
   * instead of creating a new one. null when the module has state that cannot be restored: each run
   * then gets a new instance.
   */
  snapshot: Snapshot | null;
}

/**
 * A program that runs from a snapshot: of a reactor after `_initialize`, of a Go command before its
 * first observable call.
 */
export interface WarmProgram extends ProgramBase {
  strategy: 'reactor' | 'go-command';
  snapshot: Snapshot;
  /** Go's random states in the snapshot, which are reseeded before each run. */
  prngStates: readonly PrngState[];
  /** Times in the snapshot, which are moved to the clock of each run. */
  timeCells: readonly TimeCell[];
}

/**
 * A module that is ready to run. A compiler thread creates it and posts it to the guest threads,
 * which share its code and its snapshot.
 */
export type Program = FreshProgram | WarmProgram;

/** Runs one program on one thread, each run on a state that no other invocation has touched. */
export interface Runner {
  readonly program: Program;
  /**
   * Runs the program in the session with which `Guest.begin` was called. Throws InstanceUnavailable
   * when there is no memory for an instance.
   */
  run(): GuestResult;
  /** Creates an instance for the first run. */
  instantiate(): void;
  /** Work after a run that the reply does not need: makes the instance ready for the next run. */
  reset(): void;
  /** Whether `reset` takes no longer than sending a notification. */
  resetsAtOnce(): boolean;
  /** The memory kept between runs, in bytes. */
  keptBytes(): number;
}
