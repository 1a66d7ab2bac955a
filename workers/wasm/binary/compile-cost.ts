import type { FunctionType, ParsedModule } from './module.js';
import { BULK, OP, VECTOR } from './opcodes.js';
import { malformed } from './reader.js';
import { POPS, PUSHES } from './stack-shapes.js';

/**
 * V8 compiles a function when it is first called, and again when it is called often. Neither can be
 * interrupted or limited, and V8 ends the process when the machine code of a function exceeds 512
 * MB. What a function may cost is therefore limited by its instructions, and by its values, which
 * are counted at each place where control branches or merges: V8 keeps the state of all locals and
 * operands for each label, 13 bytes a value and 180 when it optimizes. The largest functions of 17
 * public modules have 0.1 to 2 million values, that of one has 15.
 */
const MAX_INSTRUCTIONS = 1 << 20;
const MAX_FUNCTION_VALUES = 1 << 24;
/** The limit for all functions together: a public module of 46 MB has 71 million. */
const MAX_MODULE_VALUES = 1 << 27;
/**
 * The values that one passed by a call or a branch counts as: it takes 16 bytes of machine code.
 */
const VALUES_PER_PASSED = 4;
/**
 * At a call V8 also goes through all locals and operands. The machine code of this many of them is
 * as large as that of one at a label.
 */
const LIVE_PER_VALUE = 16;
/** The values that one carried by an exception counts as: it takes up to 200 bytes. */
const VALUES_PER_THROWN = 16;
/**
 * The values that a bulky instruction counts as. Most instructions take some 10 bytes of machine
 * code for each byte of theirs. A conversion of floats to integers takes 160 for one or two bytes,
 * as does counting bits in a vector.
 */
const VALUES_PER_BULKY = 40;

/** By how much each instruction with a one-byte opcode changes the height of the stack. */
const CHANGES = new Int8Array(256);
POPS.forEach((pops, opcode) => {
  if (pops >= 0) CHANGES[opcode] = (PUSHES[opcode] ?? 0) - pops;
});
for (const opcode of [OP.localGet, OP.globalGet, OP.memorySize, OP.i32Const, OP.i64Const])
  CHANGES[opcode] = 1;
for (const opcode of [OP.refNull, OP.refFunc]) CHANGES[opcode] = 1;
for (const opcode of [OP.localSet, OP.globalSet]) CHANGES[opcode] = -1;
for (const opcode of [OP.tableSet, OP.selectTyped]) CHANGES[opcode] = -2;
CHANGES.fill(-2, OP.i32Store, OP.i64Store32 + 1);

/** The instructions with a one-byte opcode that V8 compiles to a call. */
const CALLS: ReadonlySet<number> = new Set([OP.memoryGrow, OP.tableGet, OP.tableSet, OP.refFunc]);
const BULKY_PLAIN: ReadonlySet<number> = new Set([
  OP.i32TruncF32S,
  OP.i32TruncF32U,
  OP.i32TruncF64S,
  OP.i32TruncF64U,
  OP.i64TruncF32S,
  OP.i64TruncF32U,
  OP.i64TruncF64S,
  OP.i64TruncF64U,
]);
const BULKY_VECTORS: ReadonlySet<number> = new Set([
  VECTOR.i8x16Popcnt,
  VECTOR.i32x4TruncSatF32x4S,
  VECTOR.i32x4TruncSatF32x4U,
  VECTOR.i32x4TruncSatF64x2SZero,
  VECTOR.i32x4TruncSatF64x2UZero,
]);
const NOTHING: FunctionType = { params: [], results: [] };

/** A block that has begun; `depth` is the height of the stack below its parameters. */
interface Block {
  depth: number;
  params: number;
  results: number;
  /** The number of values that a branch to it passes. */
  passes: number;
}

/**
 * Counts what the functions of a module cost to compile. The height of the stack is an upper bound:
 * vector and atomic instructions count as if they popped one operand. The module may be invalid.
 */
export class CompileCost {
  readonly #types: readonly FunctionType[];
  /** The type of each function, imported ones first. */
  readonly #functions: readonly number[];
  readonly #tags: readonly number[];
  readonly #imported: number;
  readonly #blocks: Block[] = [];
  #function = -1;
  #locals = 0;
  #height = 0;
  #instructions = 0;
  #values = 0;
  #moduleValues = 0;

  constructor({ types, imports, functions, tags, importedFunctions }: ParsedModule) {
    const imported = imports.filter(({ kind }) => kind === 'function').map(({ type }) => type);
    this.#types = types;
    this.#functions = [...imported, ...functions];
    this.#tags = tags;
    this.#imported = importedFunctions;
  }

  /** Begins the next function. */
  begin(): void {
    this.#function++;
    const { params, results } = this.#typeOf(this.#function + this.#imported);
    this.#locals = params.length;
    this.#height = 0;
    this.#instructions = 0;
    this.#values = 0;
    this.#blocks.length = 0;
    this.#blocks.push({ depth: 0, params: 0, results: results.length, passes: results.length });
  }

  declare(locals: number): void {
    this.#locals += locals;
    this.#count(locals);
  }

  /** Counts an instruction without effect on control, with one byte as its opcode. */
  plain(opcode: number): void {
    this.#instruction();
    if (CALLS.has(opcode)) this.#passOver();
    else if (BULKY_PLAIN.has(opcode)) this.#count(VALUES_PER_BULKY);
    this.#move(CHANGES[opcode] ?? 0);
  }

  bulk(operation: number): void {
    this.#instruction();
    if (operation < BULK.memoryInit) {
      this.#count(VALUES_PER_BULKY);
      return;
    }
    this.#passOver();
    if (operation === BULK.tableSize) this.#move(1);
    else if (operation === BULK.tableGrow) this.#move(-1);
    else if (operation !== BULK.dataDrop && operation !== BULK.elemDrop) this.#move(-3);
  }

  vector(operation: number): void {
    this.#instruction();
    if (operation === VECTOR.v128Const) this.#move(1);
    else if (operation === VECTOR.v128Store) this.#move(-2);
    else if (BULKY_VECTORS.has(operation)) this.#count(VALUES_PER_BULKY);
  }

  atomic(): void {
    this.#instruction();
    this.#passOver();
  }

  /**
   * @param index The type of the block; null when it has no parameters and `inline` results.
   */
  enter(opcode: number, index: number | null, inline: 0 | 1): void {
    this.#instruction();
    if (opcode === OP.if) this.#move(-1);
    this.#branch(0);
    const type = index === null ? null : (this.#types[index] ?? NOTHING);
    const params = type?.params.length ?? 0;
    const results = type?.results.length ?? inline;
    this.#move(-params);
    this.#blocks.push({
      depth: this.#height,
      params,
      results,
      passes: opcode === OP.loop ? params : results,
    });
    this.#height += params;
  }

  else(): void {
    this.#instruction();
    const block = this.#blockAt(0);
    this.#branch(block.results);
    this.#height = block.depth + block.params;
  }

  end(): void {
    this.#instruction();
    const block = this.#blockAt(0);
    this.#branch(block.results);
    this.#blocks.pop();
    this.#height = block.depth + block.results;
  }

  /** A `catch` of a tag; null for `catch_all`. */
  catch(tag: number | null): void {
    this.#instruction();
    const caught = tag === null ? 0 : this.#tagged(tag);
    this.#branch(0);
    this.#count(VALUES_PER_THROWN * caught);
    this.#height = this.#blockAt(0).depth + caught;
  }

  throw(tag: number): void {
    this.#instruction();
    this.#branch(0);
    this.#count(VALUES_PER_THROWN * this.#tagged(tag));
    this.stop();
  }

  br(label: number): void {
    this.#instruction();
    this.#branch(this.#blockAt(label).passes);
    this.stop();
  }

  brIf(label: number): void {
    this.#instruction();
    this.#move(-1);
    this.#branch(this.#blockAt(label).passes);
  }

  /** A branch to one of `targets` labels; V8 compiles each label once. */
  brTable(targets: number): void {
    this.#instruction();
    this.#move(-1);
    const labels = Math.min(targets, this.#blocks.length);
    // What they pass is on the stack.
    this.#count(labels * (this.#locals + this.#height));
    this.stop();
  }

  return(): void {
    this.#instruction();
    this.#branch(this.#blocks[0]?.results ?? 0);
    this.stop();
  }

  call(target: number): void {
    this.#call(this.#typeOf(target));
  }

  callIndirect(type: number): void {
    this.#move(-1);
    this.#call(this.#types[type] ?? NOTHING);
  }

  /** The code that follows cannot be reached; its stack begins where that of its block does. */
  stop(): void {
    this.#height = this.#blockAt(0).depth;
  }

  #call({ params, results }: FunctionType): void {
    this.#instruction();
    this.#passOver();
    this.#count(VALUES_PER_PASSED * (params.length + results.length));
    this.#move(-params.length);
    this.#move(results.length);
  }

  #branch(passed: number): void {
    this.#count(this.#locals + this.#height + VALUES_PER_PASSED * passed);
  }

  #passOver(): void {
    this.#count((this.#locals + this.#height) / LIVE_PER_VALUE);
  }

  #move(change: number): void {
    this.#height = Math.max(this.#height + change, this.#blockAt(0).depth);
  }

  #blockAt(label: number): Block {
    const last = this.#blocks.length - 1;
    return this.#blocks[last - label] ?? { depth: 0, params: 0, results: 0, passes: 0 };
  }

  #typeOf(target: number): FunctionType {
    return this.#types[this.#functions[target] ?? -1] ?? NOTHING;
  }

  #tagged(tag: number): number {
    return this.#types[this.#tags[tag] ?? -1]?.params.length ?? 0;
  }

  #instruction(): void {
    if (++this.#instructions <= MAX_INSTRUCTIONS) return;
    throw malformed(
      `Function ${this.#function} of the module has more than ${MAX_INSTRUCTIONS} instructions, which is the limit; split it.`,
    );
  }

  #count(values: number): void {
    this.#values += values;
    this.#moduleValues += values;
    if (this.#values > MAX_FUNCTION_VALUES) {
      throw malformed(
        `Function ${this.#function} of the module takes too much to compile: its branches, calls and conversions have more than ${MAX_FUNCTION_VALUES} values; split it, or build it with optimisation.`,
      );
    }
    if (this.#moduleValues > MAX_MODULE_VALUES) {
      throw malformed(
        `The module takes too much to compile: the branches, calls and conversions of its functions have more than ${MAX_MODULE_VALUES} values; build it with optimisation.`,
      );
    }
  }
}
