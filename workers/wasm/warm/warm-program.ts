import { randomBytes, randomInt } from 'node:crypto';
import { MB } from '../../../src/contract/limits.js';
import { messageOf } from '../../../src/errors.js';
import { F32, F64, I32, I64 } from '../binary/value-types.js';
import { rewrite } from '../instrument/rewrite.js';
import type { WarmProgram } from '../run/program.js';
import { filledBytesOf, takeSnapshot } from '../run/snapshot.js';
import { compareStarts, type Starts } from './compare-starts.js';
import { clearDeadStack } from './go-goroutines.js';
import { goHiddenDraws } from './go-hidden-draws.js';
import { type GoTable, goShape, goTable } from './go-shape.js';
import { instancesOf } from './instances.js';
import { type RecordedStart, recordStart } from './recorded-start.js';
import { type Conditions, randomConditions } from './sandbox-session.js';
import { SnapshotRefused } from './snapshot-refused.js';
import { common, isGo, type Source } from './source.js';

const RESTORABLE: ReadonlySet<number> = new Set([I32, I64, F32, F64]);
/** The limit of mutable globals, which are restored after each run. Compilers create only a few. */
const MAX_GLOBALS = 10_000;
/**
 * The limit of the memory that a start fills. Taking a snapshot needs five times as much, for
 * the recorded starts and the snapshot itself.
 */
const MAX_FILLED_BYTES = 64 * MB;

/**
 * Creates the program of a Go command that is interrupted before its first observable call, mostly
 * a read of stdin. Package initializers have run by then. Throws SnapshotRefused with the reason.
 */
export function createGoProgram(source: Source, name: string): WarmProgram {
  requireRestorable(source);
  const shape = orNotWarm(() => goShape(source.module));
  const starts = recordStarts(source, name, '_start', shape);
  const { base } = starts;
  if (base.wanted === null) throw new SnapshotRefused('it ends before it makes an observable call');
  const place = shape.wrappers.get(base.wanted);
  if (place === undefined) throw new SnapshotRefused(`its way of calling ${base.wanted} is not known`);
  const variable = compareStarts(starts, true);
  const stack = stackPointerOf(base);
  // The loop pops the position to resume at from the guest's stack: the top of the wrapper that was
  // interrupted.
  const view = new DataView(base.memory.buffer, base.memory.byteOffset, base.memory.length);
  if (stack < 8 || stack > base.memory.length)
    throw new SnapshotRefused('its stack pointer is not in its memory');
  view.setBigUint64(stack - 8, BigInt(place) << 16n, true);
  return { strategy: 'go-command', ...warmProgram(source, base, shape.loop), ...variable };
}

/** Creates the program of a reactor after `_initialize`. Throws SnapshotRefused with the reason. */
export function createReactorProgram(source: Source, name: string): WarmProgram {
  requireRestorable(source);
  const table = isGo(source.module) ? tableOf(source) : null;
  const starts = recordStarts(source, name, '_initialize', table);
  const { wanted } = starts.base;
  if (wanted !== null) throw new SnapshotRefused(`it calls ${wanted} while it initialises`);
  const variable = compareStarts(starts, table !== null);
  return { strategy: 'reactor', ...warmProgram(source, starts.base), ...variable };
}

function warmProgram(source: Source, base: RecordedStart, resume?: number) {
  const snapshot = takeSnapshot(base.memory, base.globals);
  const rewritten = rewrite(source.module, {
    maxPages: source.maxPages,
    scan: source.scan,
    exportGlobals: true,
    forSnapshot: true,
    writeBarriers: isGo(source.module),
    ...(resume === undefined ? {} : { resume }),
  });
  return { ...common(source, rewritten), snapshot };
}

/** Returns the stack pointer, which is global 0 of Go's modules. */
function stackPointerOf({ globals }: RecordedStart): number {
  const [register, stack] = globals[0] ?? [];
  if (register?.endsWith(':g0') !== true || typeof stack !== 'number')
    throw new SnapshotRefused('its stack pointer is not where Go has it');
  return stack;
}

function requireRestorable(source: Source): void {
  const reason = whyNotRestorable(source);
  if (reason !== null) throw new SnapshotRefused(reason);
}

/**
 * Returns why an instance of the module cannot be restored to an earlier state; null when memory
 * and globals are its only state.
 */
export function whyNotRestorable({ module, scan, shape }: Source): string | null {
  if (scan === null) return 'it has instructions that the engine does not know';
  if (scan.keepsHiddenState) return 'it writes tables or drops segments';
  if (shape.pages === null) return 'it has no memory';
  const mutable = module.globals.filter((global) => global.mutable);
  if (mutable.length > MAX_GLOBALS) return `it has more than ${MAX_GLOBALS} mutable globals`;
  const odd = mutable.some((global) => !RESTORABLE.has(global.type));
  return odd ? 'it has a global of a type that cannot be restored' : null;
}

/**
 * Records starts of the same export of the same program under different conditions: see `Starts`.
 */
function recordStarts(source: Source, name: string, entry: string, go: GoTable | null): Starts {
  const redirection = go === null ? null : goHiddenDraws(source.module, go);
  const instances = instancesOf(source, redirection ?? undefined);
  const record = (conditions: Conditions) => {
    const start = recordStart(instances, name, entry, conditions);
    requireSmall(start);
    if (go !== null) clearDeadStack(start.memory, stackPointerOf(start));
    return start;
  };
  const first = randomConditions();
  const after = (by: bigint): Conditions => ({
    key: first.key,
    monotonic: first.monotonic + by,
    realtime: first.realtime + by,
  });
  // Odd distances in nanoseconds, up to some days, which other differences are unlikely to equal.
  const [laterBy, otherBy] = [randomDistance(), randomDistance()];
  const base = record(first);
  const later = record(after(laterBy));
  const reseeded = record({ ...first, key: randomBytes(32) });
  const other = record({ ...after(otherBy), key: randomBytes(32) });
  return { base, later, laterBy, reseeded, other, otherBy };
}

/** Called for each start before the next one is recorded. */
function requireSmall({ memory }: RecordedStart): void {
  const bytes = filledBytesOf(memory);
  if (bytes <= MAX_FILLED_BYTES) return;
  throw new SnapshotRefused(
    `it fills ${Math.ceil(bytes / MB)} MB of memory before its first observable call; at most ${MAX_FILLED_BYTES / MB} MB are kept for a warm start`,
  );
}

function randomDistance(): bigint {
  return BigInt(randomInt(2 ** 40, 2 ** 48)) | 1n;
}

/** Returns null when the module has Go's build id but not the table of a Go program. */
function tableOf({ module }: Source): GoTable | null {
  try {
    return goTable(module);
  } catch {
    return null;
  }
}

function orNotWarm<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SnapshotRefused(messageOf(error));
  }
}
