import type { Shape } from './check.js';
import type { Guest } from './guest.js';
import type { ExportNames } from './rewrite.js';
import type { GuestResult, Session } from './session.js';

/** A module ready to run. Made once by the preparing thread and posted to the others, who share its code. */
export interface Program {
  strategy: 'fresh';
  module: WebAssembly.Module;
  shape: Shape;
  names: ExportNames;
  limitMb: number;
  /** The module's own maximum is below the limit, so growth that it is refused is not the limit's doing. */
  ownMaximum: boolean;
}

/** Runs one program on one thread, each time on a state that no other invocation has touched. */
export interface Runner {
  run(session: Session): GuestResult;
  /** What is not needed for the reply: making ready for the next run. */
  reset(): void;
  /** Bytes of memory kept between runs. */
  keptBytes(): number;
}

export type MakeRunner<P extends Program> = (program: P, guest: Guest) => Runner;
