import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import { type ParsedModule, SECTION } from '../binary/parse.js';
import type { Scan } from '../binary/scan.js';
import { I32 } from '../binary/value-types.js';
import { concat, u32 } from '../binary/writer.js';
import { copyFunction, fillFunction, growFunction } from './added-code.js';
import { cardTablePages } from './dirty-cards.js';
import { insertWriteBarriers, type Targets } from './write-barriers.js';

/** A module's code, led to functions that come behind its own and to globals that come behind its own. */
export interface InstrumentedCode {
  /** Each with its length before it. */
  bodies: Uint8Array[];
  functions: { takes: Uint8Array[]; gives: Uint8Array[]; body: Uint8Array }[];
  /** Pages of the memory that the guest's own lie behind. */
  pagesBefore: number;
}

const TYPE = Uint8Array.of(I32);

/** The indices that what is added will have. */
export function targetsOf(module: ParsedModule): Omit<Targets, 'base'> & { refused: number } {
  const functions = module.importedFunctions + module.functions.length;
  const globals = module.importedGlobals + module.globals.length;
  return { grow: functions, copy: functions + 1, fill: functions + 2, pages: globals, refused: globals + 1 };
}

/** Every `memory.grow` and `memory.size` led to the growing function and the guest's own count of its pages. */
export function plainCode(module: ParsedModule, scan: Scan, maxPages: number): InstrumentedCode {
  const { grow, pages, refused } = targetsOf(module);
  const call = concat([Uint8Array.of(0x10), u32(grow)]);
  const read = concat([Uint8Array.of(0x23), u32(pages)]);
  const bodies: Uint8Array[] = [];
  let site = 0;
  for (const body of module.bodies) {
    const parts: Uint8Array[] = [];
    let copied = body.start;
    for (let next = scan.sites[site]; next !== undefined && next.at < body.end; next = scan.sites[++site]) {
      parts.push(module.bytes.subarray(copied, next.at), next.op === 'grow' ? call : read);
      copied = next.end;
    }
    parts.push(module.bytes.subarray(copied, body.end));
    bodies.push(u32(parts.reduce((sum, part) => sum + part.length, 0)), ...parts);
  }
  const body = growFunction({ pages, refused }, maxPages, 0);
  return { bodies, functions: [{ takes: [TYPE], gives: [TYPE], body }], pagesBefore: 0 };
}

/** The same, and every write marked. null when the code cannot be followed, or the module has data that is read at run time. */
export function barrierCode(module: ParsedModule, maxPages: number): InstrumentedCode | null {
  if (module.sections.has(SECTION.dataCount)) return null;
  const targets = targetsOf(module);
  const pagesBefore = cardTablePages(maxPages);
  const base = pagesBefore * WASM_PAGE_BYTES;
  const bodies = insertWriteBarriers(module, { ...targets, base });
  if (bodies === null) return null;
  const three = [TYPE, TYPE, TYPE];
  return {
    bodies: [bodies],
    functions: [
      { takes: [TYPE], gives: [TYPE], body: growFunction(targets, maxPages, pagesBefore) },
      { takes: three, gives: [], body: copyFunction(base) },
      { takes: three, gives: [], body: fillFunction(base) },
    ],
    pagesBefore,
  };
}
