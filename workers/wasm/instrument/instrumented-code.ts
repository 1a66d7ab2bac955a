import { WASM_PAGE_BYTES } from '../../../src/contract/limits.js';
import type { Scan } from '../binary/body-scanner.js';
import type { ParsedModule } from '../binary/module.js';
import { OP } from '../binary/opcodes.js';
import { callSites, instructionsOf } from '../binary/scan.js';
import { SECTION } from '../binary/sections.js';
import { I32 } from '../binary/value-types.js';
import { concat, i64Const, u32 } from '../binary/writer.js';
import {
  copyFunction,
  fillFunction,
  goNumberFunction,
  growFunction,
  interruptCheckFunction,
} from './added-code.js';
import { cardTablePages } from './dirty-cards.js';
import { insertWriteBarriers, type Targets } from './write-barriers.js';

/** The code of a module that calls functions and uses globals added after the module's own. */
export interface InstrumentedCode {
  /** Each body is preceded by its length. */
  bodies: Uint8Array[];
  functions: { params: Uint8Array[]; results: Uint8Array[]; body: Uint8Array }[];
  /** The number of pages before the guest's memory, which hold the card table. */
  pagesBefore: number;
  /**
   * Additional i64 globals with their values. With a redirection: the state of the generator, and a
   * flag that is 1 once the watched body was entered.
   */
  i64Globals: bigint[];
}

/** Changes to function bodies, by their index, that make starts of a program comparable. */
export interface Redirection {
  /** Which of the callees of a body are replaced by a generator (`goNumberFunction`). */
  calls: ReadonlyMap<number, ReadonlySet<number>>;
  /** The initial state of the generator. */
  seed: bigint;
  /** A body whose entry is recorded. */
  watched: number | null;
}

const TYPE = Uint8Array.of(I32);

/** Returns the indexes of the added functions and globals. */
export function targetsOf(module: ParsedModule): Omit<Targets, 'base'> & { refused: number } {
  const functions = module.importedFunctions + module.functions.length;
  const globals = module.importedGlobals + module.globals.length;
  return { grow: functions, copy: functions + 1, fill: functions + 2, pages: globals, refused: globals + 1 };
}

/**
 * Returns code in which `memory.grow` calls the added function, `memory.size` reads the guest's own
 * page count, and a check for interrupts precedes each instruction that may take long: a thread is
 * terminated only at such a check, and a sequence of fills of the whole memory has none.
 */
export function plainCode(
  module: ParsedModule,
  scan: Scan,
  maxPages: number,
  redirection?: Redirection,
): InstrumentedCode {
  const { grow, pages, refused } = targetsOf(module);
  const hasMemory = module.memories.length > 0;
  const check = hasMemory ? grow + 1 : grow;
  const number = check + 1;
  const code = {
    grow: concat([Uint8Array.of(OP.call), u32(grow)]),
    size: concat([Uint8Array.of(OP.globalGet), u32(pages)]),
    check: concat([Uint8Array.of(OP.call), u32(check)]),
    number: concat([Uint8Array.of(OP.call), u32(number)]),
    entered: concat([i64Const(1n), Uint8Array.of(OP.globalSet), u32(refused + 2)]),
  };
  const bodies: Uint8Array[] = [];
  let site = 0;
  module.bodies.forEach((body, index) => {
    const replaced: { at: number; end: number; op: keyof typeof code }[] = [];
    for (let next = scan.sites[site]; next !== undefined && next.at < body.end; next = scan.sites[++site]) {
      // Without a memory of its own, no function to grow it is added.
      if (hasMemory || next.op === 'check') replaced.push(next);
    }
    const callees = redirection?.calls.get(index);
    if (callees !== undefined) {
      for (const { at, end, target } of callSites(module, body)) {
        if (callees.has(target)) replaced.push({ at, end, op: 'number' });
      }
    }
    if (redirection?.watched === index) {
      const first = instructionsOf(module, body);
      replaced.push({ at: first, end: first, op: 'entered' });
    }
    replaced.sort((a, b) => a.at - b.at);
    const parts: Uint8Array[] = [];
    let copied = body.start;
    for (const { at, end, op } of replaced) {
      parts.push(module.bytes.subarray(copied, at), code[op]);
      copied = end;
    }
    parts.push(module.bytes.subarray(copied, body.end));
    bodies.push(u32(parts.reduce((sum, part) => sum + part.length, 0)), ...parts);
  });
  const functions = [
    ...(hasMemory
      ? [{ params: [TYPE], results: [TYPE], body: growFunction({ pages, refused }, maxPages, 0) }]
      : []),
    { params: [], results: [], body: interruptCheckFunction() },
    ...(redirection === undefined
      ? []
      : [{ params: [TYPE], results: [TYPE], body: goNumberFunction(refused + 1) }]),
  ];
  return {
    bodies,
    functions,
    pagesBefore: 0,
    i64Globals: redirection === undefined ? [] : [redirection.seed, 0n],
  };
}

/**
 * Returns such code with a write barrier at every store; null when the code cannot be analysed, or
 * reads data segments at run time.
 */
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
      { params: [TYPE], results: [TYPE], body: growFunction(targets, maxPages, pagesBefore) },
      { params: three, results: [], body: copyFunction(base) },
      { params: three, results: [], body: fillFunction(base) },
    ],
    pagesBefore,
    i64Globals: [],
  };
}
