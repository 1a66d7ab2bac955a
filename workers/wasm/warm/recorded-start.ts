import { messageOf } from '../../../src/errors.js';
import { GuestExit } from '../../wasi/wasi.js';
import type { Rewritten } from '../instrument/rewrite.js';
import { Guest } from '../run/guest.js';
import { instantiate, isGlobal, memoryOf, readGlobals } from '../run/instance.js';
import { InstanceUnavailable } from '../run/instance-unavailable.js';
import { Restorer, type Snapshot } from '../run/snapshot.js';
import type { Instances } from './instances.js';
import { type Conditions, sandboxSession } from './sandbox-session.js';
import { SnapshotRefused } from './snapshot-refused.js';

/** Thrown from an import to stop a guest right before its first observable call. */
class Stopped {
  constructor(readonly wanted: string) {}
}

const NO_INPUT = new Uint8Array(0);

/**
 * Calls whose results do not change from run to run and that have no effect. The monotonic clock
 * also counts as pure: Go's scheduler uses it to keep time, and code that asks for the time reads
 * the realtime clock first.
 */
const PURE: ReadonlySet<string> = new Set([
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
/** The `clockid` of the monotonic clock in WASI preview 1. */
const MONOTONIC = 1;

/** A start of a program up to its first observable call, and the resulting state. */
export interface RecordedStart {
  memory: Uint8Array;
  globals: Snapshot['globals'];
  /** The call at which it was stopped, as `module.name`; null when it returned. */
  wanted: string | null;
  /** The last reading of the monotonic clock. */
  lastTick: bigint;
  /** Whether the watched function was entered. */
  watched: boolean;
}

/** Runs an export on a new instance until it returns or makes a call that is not pure. */
export function recordStart(
  { program, rewritten, initial }: Instances,
  name: string,
  entry: string,
  conditions: Conditions,
): RecordedStart {
  const guest = new Guest();
  const { session, lastTick } = sandboxSession(name, NO_INPUT, conditions);
  guest.begin(program, session);
  let wanted: string | null = null;
  let instance: WebAssembly.Instance | null = null;
  try {
    const imports = stoppingImports(guest);
    instance =
      initial === null
        ? instantiate(program.module, imports)
        : new Restorer(initial).instantiate(program, imports);
    guest.attach(instance);
    if (rewritten.names.start !== null) guest.call(rewritten.names.start);
    if (instance.exports[entry] !== undefined) guest.call(entry);
  } catch (error) {
    if (error instanceof InstanceUnavailable) throw error;
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
    lastTick: lastTick(),
    watched: wasEntered(instance, rewritten),
  };
}

function wasEntered(instance: WebAssembly.Instance, { names }: Rewritten): boolean {
  const global = names.watched === null ? undefined : instance.exports[names.watched];
  return isGlobal(global) && global.value === 1n;
}

function stoppingImports(guest: Guest): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {};
  // The first request for random bytes counts as pure, because the runtime seeds itself. Further
  // requests come from the program.
  let seeded = false;
  const isPure = (name: string, args: readonly never[]) => {
    if (name === 'clock_time_get') return Number(args[0]) === MONOTONIC;
    if (name !== 'random_get') return PURE.has(name);
    const first = !seeded;
    seeded = true;
    return first;
  };
  for (const [module, functions] of Object.entries(guest.imports)) {
    imports[module] = {};
    for (const [name, run] of Object.entries(functions)) {
      imports[module][name] = (...args: never[]) => {
        if (!isPure(name, args)) throw new Stopped(`${module}.${name}`);
        return run(...args);
      };
    }
  }
  return imports;
}

function describe(error: unknown): string {
  return error instanceof GuestExit ? `exit code ${error.code}` : messageOf(error);
}
