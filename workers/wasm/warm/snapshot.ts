import { messageOf } from '../../../src/errors.js';
import { GuestExit } from '../../wasi/bindings.js';
import { F32, F64, I32, I64 } from '../binary/value-types.js';
import { type Rewritten, rewrite } from '../instrument/rewrite.js';
import { Guest } from '../run/guest.js';
import { type Snapshot, takeSnapshot } from '../run/image.js';
import { isGlobal, memoryOf } from '../run/instance.js';
import type { ProgramBase, WarmProgram } from '../run/program.js';
import { findPrngStates } from '../run/reseed.js';
import { goShape } from './go-shape.js';
import { common, isGo, type Source } from './prepare.js';
import { sandboxSession } from './sandbox-session.js';

/** Why a module cannot be started from a snapshot; it runs as fresh then. */
export class SnapshotRefused extends Error {}

/** Thrown out of an import to stop a guest right before its first call that can be told apart from outside. */
class Stopped {
  constructor(readonly wanted: string) {}
}

const RESTORABLE: ReadonlySet<number> = new Set([I32, I64, F32, F64]);

/** Two seeds, for two snapshots whose difference shows where random state is. */
const SEEDS = [0x2545_f491, 0x6c07_8965] as const;
const NO_INPUT = new Uint8Array(0);

/**
 * Calls that tell a guest nothing that changes from run to run, and change nothing. The monotonic clock is among them: it is
 * how Go's scheduler keeps time, and code that asks what time it is reads the realtime clock first.
 */
const QUIET: ReadonlySet<string> = new Set([
  'args_get',
  'args_sizes_get',
  'environ_get',
  'environ_sizes_get',
  'clock_res_get',
  'fd_fdstat_get',
  'fd_fdstat_set_flags',
  'fd_prestat_get',
  'fd_prestat_dir_name',
  'sched_yield',
]);
const MONOTONIC = 1;

/** A Go command, interrupted before its first telling call: a read of stdin, mostly. Package initialisers have run by then. */
export function prepareGoCommand(source: Source, name: string): WarmProgram {
  requireRestorable(source);
  const shape = orNotWarm(() => goShape(source.module));
  const [first, second] = runTwice(source, name, '_start');
  if (
    first === undefined ||
    second === undefined ||
    first.wanted === null ||
    first.wanted !== second.wanted
  ) {
    throw new SnapshotRefused(
      'it ends, or does different things, before it does anything that can be told apart',
    );
  }
  const place = shape.wrappers.get(first.wanted);
  if (place === undefined) throw new SnapshotRefused(`its way of calling ${first.wanted} is not known`);
  const [register, stack] = first.globals[0] ?? [];
  if (register?.endsWith(':g0') !== true || typeof stack !== 'number')
    throw new SnapshotRefused('its stack pointer is not where Go has it');
  // The loop pops where to go on off the guest's stack: the top of the wrapper it was in.
  const view = new DataView(first.memory.buffer, first.memory.byteOffset, first.memory.length);
  if (stack < 8 || stack > first.memory.length)
    throw new SnapshotRefused('its stack pointer is not in its memory');
  view.setBigUint64(stack - 8, BigInt(place) << 16n, true);
  return warmProgram(source, 'go-command', first, second, shape.loop);
}

/** A reactor after `_initialize`. */
export function prepareReactor(source: Source, name: string): WarmProgram {
  requireRestorable(source);
  const [first, second] = runTwice(source, name, '_initialize');
  if (first === undefined || second === undefined) throw new SnapshotRefused('it could not be run');
  const { wanted } = first;
  if (wanted !== null) throw new SnapshotRefused(`it calls ${wanted} while it initialises`);
  return warmProgram(source, 'reactor', first, second);
}

interface Taken {
  memory: Uint8Array;
  globals: Snapshot['globals'];
  /** The call it was stopped at, `module.name`; null when it returned. */
  wanted: string | null;
  random: boolean;
}

function warmProgram(
  source: Source,
  strategy: WarmProgram['strategy'],
  first: Taken,
  second: Taken,
  resume?: number,
): WarmProgram {
  if (first.memory.length !== second.memory.length)
    throw new SnapshotRefused('its memory is a different size each time');
  const generators = findPrngStates(first.memory, second.memory);
  if (first.random && generators.length === 0) {
    throw new SnapshotRefused('it takes random bytes at its start and keeps them in an unknown place');
  }
  const snapshot = takeSnapshot(first.memory, first.globals);
  const rewritten = rewrite(source.module, {
    maxPages: source.maxPages,
    scan: source.scan,
    minPages: snapshot.pages,
    exportGlobals: true,
    forSnapshot: true,
    track: isGo(source.module),
    ...(resume === undefined ? {} : { resume }),
  });
  return { strategy, ...common(source, rewritten), snapshot, generators };
}

function requireRestorable(source: Source): void {
  const reason = whyNotRestorable(source);
  if (reason !== null) throw new SnapshotRefused(reason);
}

/** Why an instance of the module cannot be put back to an earlier state; null when memory and globals are all it has. */
export function whyNotRestorable({ module, scan, shape }: Source): string | null {
  if (scan === null) return 'it has instructions that the engine does not know';
  if (scan.keepsHiddenState) return 'it writes tables or drops segments';
  if (shape.pages === null) return 'it has no memory';
  const odd = module.globals.some((global) => global.mutable && !RESTORABLE.has(global.type));
  return odd ? 'it has a variable of a type that cannot be restored' : null;
}

/** The same export of the same program on two instances, which differ in their random bytes alone. */
function runTwice(source: Source, name: string, entry: string): Taken[] {
  const rewritten = rewrite(source.module, {
    maxPages: source.maxPages,
    scan: source.scan,
    exportGlobals: true,
  });
  const program = common(source, rewritten);
  return SEEDS.map((seed) => runUntilTelling(program, rewritten, name, seed, entry));
}

/** Runs an export on a new instance until it returns or makes a call that is not quiet. */
function runUntilTelling(
  program: ProgramBase,
  rewritten: Rewritten,
  name: string,
  seed: number,
  entry: string,
): Taken {
  const guest = new Guest();
  guest.begin(program, sandboxSession(name, NO_INPUT, seed).session);
  let random = false;
  const imports = stoppingImports(guest, () => {
    // Once, by a runtime that seeds itself. Whoever asks again wants a number of its own.
    const again = random;
    random = true;
    return again;
  });
  let wanted: string | null = null;
  let instance: WebAssembly.Instance | null = null;
  try {
    instance = new WebAssembly.Instance(program.module, imports);
    guest.attach(instance);
    if (rewritten.names.start !== null) guest.call(rewritten.names.start);
    if (instance.exports[entry] !== undefined) guest.call(entry);
  } catch (error) {
    if (!(error instanceof Stopped)) throw new SnapshotRefused(`it ends in its start: ${describe(error)}`);
    wanted = error.wanted;
  }
  const memory = instance === null ? null : memoryOf(instance);
  if (instance === null || memory === null)
    throw new SnapshotRefused('it calls the host before it has an instance');
  return {
    memory: new Uint8Array(memory.buffer),
    globals: readGlobals(instance, rewritten),
    wanted,
    random,
  };
}

function stoppingImports(guest: Guest, randomAgain: () => boolean): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {};
  for (const [module, functions] of Object.entries(guest.imports)) {
    imports[module] = {};
    for (const [name, run] of Object.entries(functions)) {
      imports[module][name] = (...args: never[]) => {
        const quiet =
          QUIET.has(name) ||
          (name === 'clock_time_get' && Number(args[0]) === MONOTONIC) ||
          (name === 'random_get' && !randomAgain());
        if (!quiet) throw new Stopped(`${module}.${name}`);
        return run(...args);
      };
    }
  }
  return imports;
}

/** The values of all mutable globals, the rewriter's own among them. */
export function readGlobals(instance: WebAssembly.Instance, rewritten: Rewritten): Snapshot['globals'] {
  const { pages, refused } = rewritten.names;
  const globals: Snapshot['globals'] = [];
  for (const name of [...rewritten.globals, pages, refused]) {
    const global = name === null ? undefined : instance.exports[name];
    if (name !== null && isGlobal(global)) globals.push([name, global.value]);
  }
  return globals;
}

function orNotWarm<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SnapshotRefused(messageOf(error));
  }
}

function describe(error: unknown): string {
  return error instanceof GuestExit ? `exit code ${error.code}` : messageOf(error);
}
