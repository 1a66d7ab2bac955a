import { BodyScanner, emptyScan, type Scan } from './body-scanner.js';
import { CompileCost } from './compile-cost.js';
import type { ByteRange, ParsedModule } from './module.js';
import { ByteReader } from './reader.js';

/**
 * Scans all instructions. Returns null when it meets an unknown instruction or the end of the
 * bytes; the module's code is then not rewritten. Throws `invalid_module` when a function would
 * take too much to compile.
 */
export function scan(module: ParsedModule): Scan | null {
  const found = emptyScan();
  const cost = new CompileCost(module);
  for (const body of module.bodies) {
    if (!new BodyScanner(module.bytes, body, found, cost).scan()) return null;
  }
  return found;
}

/** Returns where the instructions of a body begin, after its local declarations. */
export function instructionsOf(module: ParsedModule, body: ByteRange): number {
  const reader = new ByteReader(module.bytes, body.start, body.end);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.u8();
  }
  return reader.at;
}

/** Returns the positions of direct calls in a body. */
export function callSites(
  module: ParsedModule,
  body: ByteRange,
): { at: number; end: number; target: number }[] {
  const calls: { at: number; end: number; target: number }[] = [];
  const found = emptyScan();
  new BodyScanner(module.bytes, body, found, null, (site) => calls.push(site)).scan();
  return calls;
}
