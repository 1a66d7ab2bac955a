/**
 * What is known of a number without running the code: what it was made from, its root, and how far
 * it is from that, modulo 2^32. Both in one number, so that following millions of them makes no
 * garbage.
 */
export type SymbolicValue = number;

const SPAN = 2 ** 28;
/**
 * Distances stay far below 2^32, so that a sum which wraps can be told from one that does not: see
 * `isNearBarrier`.
 */
const MAX_DISTANCE = SPAN / 2;
/**
 * Roots are numbered on from function to function until there are so many; one function makes fewer
 * than 2^53 / SPAN of them.
 */
const MANY_ROOTS = 1 << 20;
const CACHED = 256;
/** More locals than V8 takes; of what is beyond nothing is known. */
const MOST_VARIABLES = 1 << 16;

const rootOf = (value: SymbolicValue) => Math.floor(value / SPAN);
const distanceOf = (value: SymbolicValue) => value - rootOf(value) * SPAN - MAX_DISTANCE;
const madeOf = (root: number, distance: number): SymbolicValue => root * SPAN + MAX_DISTANCE + distance;

/** Values of locals or globals since the last label. */
class Variables {
  readonly #values: number[] = [];
  readonly #since: number[] = [];

  get(index: number, label: number): SymbolicValue | null {
    return this.#since[index] === label ? (this.#values[index] ?? null) : null;
  }

  set(index: number, value: SymbolicValue, label: number): void {
    if (index >= MOST_VARIABLES) return;
    while (this.#values.length <= index) {
      this.#values.push(0);
      this.#since.push(0);
    }
    this.#values[index] = value;
    this.#since[index] = label;
  }
}

/**
 * The values of the operand stack, the locals and the globals in code without a label in between,
 * and which of them had a write barrier as addresses. Everything it is asked takes constant time:
 * the code is somebody else's.
 */
export class SymbolicValues {
  readonly #stack: number[] = [];
  #depth = 0;
  readonly #locals = new Variables();
  readonly #globals = new Variables();
  #label = 0;
  #calls = 0;
  #roots = 0;
  /**
   * The root of constants; another one after each label, so that nothing stays known of them
   * either.
   */
  #zero = 0;
  /**
   * By root, and forgotten when another root comes to the same place: a local that was given a
   * value, and an address that was marked.
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

  /** For a label: it can be come to from elsewhere. */
  forget(): void {
    this.#depth = 0;
    this.#label++;
    this.#calls++;
    this.#zero = ++this.#roots;
  }

  /**
   * The stack is not followed across what has a type of its own; whatever is popped then is
   * unknown.
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

  /** null for what is no constant. */
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

  /** The sum, or the difference, when one of the two is a constant. */
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

  /** A local that the value can be made from again; null when none is known. */
  holderOf(value: SymbolicValue): number | null {
    const local = this.#holders[rootOf(value) % CACHED] ?? 0;
    const held = this.#locals.get(local, this.#label);
    return held !== null && rootOf(held) === rootOf(value) ? local : null;
  }

  /** How far the value is from what the local holds. */
  fromLocal(value: SymbolicValue, local: number): number {
    return distanceOf(value) - distanceOf(this.local(local));
  }

  /** To be called with an address in memory that a store has gone to, and whose card is dirty. */
  addBarrier(address: SymbolicValue, ahead: number): void {
    // Beyond what a value can hold: the barrier is not remembered, then.
    if (distanceOf(address) + ahead < MAX_DISTANCE)
      this.#barriers[rootOf(address) % CACHED] = address + ahead;
  }

  /**
   * Whether the bytes at an offset from the address are so near one that had a barrier. That one
   * lay in the memory, which is much smaller than 2^32, and distances are small: so either they are
   * what they seem, or the sum has wrapped, is nearly 2^32 and the access a trap.
   */
  isNearBarrier(
    address: SymbolicValue,
    offset: number,
    bytes: number,
    before: number,
    behind: number,
  ): boolean {
    const barrier = this.#barriers[rootOf(address) % CACHED] ?? 0;
    if (rootOf(barrier) !== rootOf(address)) return false;
    const distance = address + offset - barrier;
    return distance >= -before && distance + bytes <= behind;
  }
}
