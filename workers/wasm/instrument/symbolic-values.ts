import { BEFORE_BYTES, BEHIND_BYTES } from './dirty-cards.js';

/**
 * What is statically known about a number: the root that it derives from, and its distance from the
 * root modulo 2^32. Both are packed into one number, so that analysing millions of values produces
 * no garbage.
 */
export type SymbolicValue = number;

const SPAN = 2 ** 28;
/**
 * Distances stay far below 2^32, so that sums that wrap around can be distinguished from sums that
 * do not: see `isNearBarrier`.
 */
const MAX_DISTANCE = SPAN / 2;
/**
 * Roots are numbered consecutively across functions until there are this many; a single function
 * creates fewer than 2^53 / SPAN of them.
 */
const MANY_ROOTS = 1 << 20;
const CACHED = 256;
/** More than V8's limit of locals; variables beyond it are unknown. */
const MAX_VARIABLES = 1 << 16;

const rootOf = (value: SymbolicValue) => Math.floor(value / SPAN);
const distanceOf = (value: SymbolicValue) => value - rootOf(value) * SPAN - MAX_DISTANCE;
const madeOf = (root: number, distance: number): SymbolicValue => root * SPAN + MAX_DISTANCE + distance;

/** The values of locals or globals since the last label. */
class SymbolicVariables {
  readonly #values: number[] = [];
  readonly #since: number[] = [];

  get(index: number, label: number): SymbolicValue | null {
    return this.#since[index] === label ? (this.#values[index] ?? null) : null;
  }

  set(index: number, value: SymbolicValue, label: number): void {
    if (index >= MAX_VARIABLES) return;
    while (this.#values.length <= index) {
      this.#values.push(0);
      this.#since.push(0);
    }
    this.#values[index] = value;
    this.#since[index] = label;
  }
}

/**
 * The symbolic values of the operand stack, the locals and the globals in code between two labels,
 * and which of them, as addresses, have had a write barrier. Every operation takes constant time,
 * because the code is untrusted.
 */
export class SymbolicValues {
  readonly #stack: number[] = [];
  #depth = 0;
  readonly #locals = new SymbolicVariables();
  readonly #globals = new SymbolicVariables();
  #label = 0;
  #calls = 0;
  #roots = 0;
  /**
   * The root of constants. Each label starts a new one, so that barriers of constant addresses are
   * forgotten as well.
   */
  #zero = 0;
  /**
   * Caches by root, overwritten when another root maps to the same entry: a local that holds a
   * value of the root, and an address that was marked.
   */
  readonly #holders = new Int32Array(CACHED);
  readonly #barriers = new Float64Array(CACHED);

  begin(): void {
    if (this.#roots > MANY_ROOTS) {
      this.#roots = 0;
      this.#barriers.fill(0);
    }
    this.forget();
  }

  /** Forgets everything; called at a label, which can be reached from elsewhere. */
  forget(): void {
    this.#depth = 0;
    this.#label++;
    this.#calls++;
    this.#zero = ++this.#roots;
  }

  /**
   * Forgets the stack, which is not tracked across instructions with a type of their own. Values
   * popped afterwards are unknown.
   */
  forgetStack(): void {
    this.#depth = 0;
  }

  forgetGlobals(): void {
    this.#calls++;
  }

  unknown(): SymbolicValue {
    return madeOf(++this.#roots, 0);
  }

  constant(value: number): SymbolicValue {
    return Math.abs(value) < MAX_DISTANCE ? madeOf(this.#zero, value) : this.unknown();
  }

  /** Returns null when the value is not a constant. */
  constantOf(value: SymbolicValue): number | null {
    return rootOf(value) === this.#zero ? distanceOf(value) : null;
  }

  push(value: SymbolicValue): void {
    if (this.#depth === this.#stack.length) this.#stack.push(value);
    else this.#stack[this.#depth] = value;
    this.#depth++;
  }

  pop(): SymbolicValue {
    return this.#depth === 0 ? this.unknown() : (this.#stack[--this.#depth] ?? this.unknown());
  }

  drop(): void {
    if (this.#depth > 0) this.#depth--;
  }

  /** Returns the sum or the difference if one operand is a constant; otherwise an unknown value. */
  sum(a: SymbolicValue, b: SymbolicValue, sign: 1 | -1): SymbolicValue {
    const second = this.constantOf(b);
    if (second !== null) return this.#moved(a, sign * second);
    const first = sign === 1 ? this.constantOf(a) : null;
    return first === null ? this.unknown() : this.#moved(b, first);
  }

  #moved(value: SymbolicValue, by: number): SymbolicValue {
    const distance = distanceOf(value) + by;
    return Math.abs(distance) < MAX_DISTANCE ? madeOf(rootOf(value), distance) : this.unknown();
  }

  local(index: number): SymbolicValue {
    const known = this.#locals.get(index, this.#label);
    if (known !== null) return known;
    const value = this.unknown();
    this.setLocal(index, value);
    return value;
  }

  setLocal(index: number, value: SymbolicValue): void {
    this.#locals.set(index, value, this.#label);
    this.#holders[rootOf(value) % CACHED] = index;
  }

  global(index: number): SymbolicValue {
    const known = this.#globals.get(index, this.#calls);
    if (known !== null) return known;
    const value = this.unknown();
    this.setGlobal(index, value);
    return value;
  }

  setGlobal(index: number, value: SymbolicValue): void {
    this.#globals.set(index, value, this.#calls);
  }

  /** Returns a local from which the value can be computed; null when none is known. */
  holderOf(value: SymbolicValue): number | null {
    const local = this.#holders[rootOf(value) % CACHED] ?? 0;
    const held = this.#locals.get(local, this.#label);
    return held !== null && rootOf(held) === rootOf(value) ? local : null;
  }

  /** Returns the distance of the value from what the local holds. */
  fromLocal(value: SymbolicValue, local: number): number {
    return distanceOf(value) - distanceOf(this.local(local));
  }

  /** Records a write barrier. The address must be in memory and its card must be dirty. */
  addBarrier(address: SymbolicValue, ahead: number): void {
    // Beyond the range of a symbolic value, the barrier is not recorded.
    if (distanceOf(address) + ahead < MAX_DISTANCE)
      this.#barriers[rootOf(address) % CACHED] = address + ahead;
  }

  /**
   * Returns whether `bytes` bytes at an offset from the address are covered by an earlier barrier.
   * The barrier's address was in the memory, which is much smaller than 2^32, and distances are
   * small. So either the distance is exact, or the sum has wrapped around, is close to 2^32, and
   * the access traps.
   */
  isNearBarrier(address: SymbolicValue, offset: number, bytes: number): boolean {
    const barrier = this.#barriers[rootOf(address) % CACHED] ?? 0;
    if (rootOf(barrier) !== rootOf(address)) return false;
    const distance = address + offset - barrier;
    return distance >= -BEFORE_BYTES && distance + bytes <= BEHIND_BYTES;
  }
}
