import { isAppError } from '../../src/errors.js';
import { rewrite } from '../../workers/wasm/instrument/rewrite.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { SnapshotRefused } from '../../workers/wasm/warm/snapshot-refused.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { createGoProgram, createReactorProgram } from '../../workers/wasm/warm/warm-program.js';

/** More processor time than any module of the fixtures takes, in milliseconds; detects hangs. */
const SLOW_MS = 5000;

function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Returns a module with random mutations: changed bytes, parts removed, repeated or moved, or a
 * truncated end.
 */
function mutate(wasm: Uint8Array, seed: number): Uint8Array {
  const random = generator(seed);
  let bytes = new Uint8Array(wasm);
  // Most of a module is code; since the parser reads mainly the beginning, half of the changes are
  // made there.
  const place = () => (random(2) === 0 ? random(bytes.length) : random(Math.min(bytes.length, 600)));
  for (let changes = 1 + random(8); changes > 0; changes--) {
    const at = place();
    const length = 1 + random(20);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        bytes.fill([0, 0xff, 0x80, 0x7f][random(4)] ?? 0, at, at + length);
        break;
      case 3:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
        break;
      case 4:
        bytes.copyWithin(at, place(), place());
        break;
      case 5:
        if (random(4) === 0) bytes = bytes.slice(0, at);
        break;
    }
  }
  return bytes;
}

/**
 * Parses and instruments a mutated module as a deploy does. Returns null if it was accepted or
 * refused properly, otherwise a description of the failure.
 */
export function fuzzModule(wasm: Uint8Array, seed: number): string | null {
  const before = process.cpuUsage();
  try {
    const source = readSource(mutate(wasm, seed), 64);
    createFreshProgram(source);
    // The instrumented form of a valid module must be valid, too.
    const options = { maxPages: source.maxPages, scan: source.scan, forSnapshot: true, writeBarriers: true };
    const { bytes } = rewrite(source.module, options);
    if (!WebAssembly.validate(bytes)) return 'is not valid when its writes are marked';
    if (source.shape.kind === 'reactor') createReactorProgram(source, 'fuzz');
    else createGoProgram(source, 'fuzz');
  } catch (error) {
    if (!isAppError(error, 'invalid_module') && !(error instanceof SnapshotRefused))
      return `threw ${String(error)}`;
  }
  const { user, system } = process.cpuUsage(before);
  const took = (user + system) / 1000;
  return took > SLOW_MS ? `took ${took} ms of processor time` : null;
}
