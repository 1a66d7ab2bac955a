/** What is known of a number without running the code: what it was made from, and how far it is from that, modulo 2^32. */
export interface Value {
  /** 0 for zero, so that constants are their distance; else a number of its own for each value that nothing is known of. */
  root: number;
  delta: number;
}

/** Distances stay far below 2^32, so that a sum which wraps can be told from one that does not: see `fromMarked`. */
const MAX_DELTA = 1 << 28;

/**
 * The values of the operand stack, the locals and the globals in code without a label in between, and which of them were marked as
 * addresses. Everything it is asked takes constant time: the code is somebody else's.
 */
export class Values {
  readonly #stack: Value[] = [];
  readonly #locals = new Map<number, Value>();
  readonly #globals = new Map<number, Value>();
  /** Which local was last given a value from a root. */
  readonly #holders = new Map<number, number>();
  /** Of the last address that was marked, by root. */
  readonly #marked = new Map<number, number>();
  #roots = 0;

  /** For a label: it can be come to from elsewhere. */
  forget(): void {
    this.#stack.length = 0;
    this.#locals.clear();
    this.#globals.clear();
    this.#holders.clear();
    this.#marked.clear();
  }

  /** The stack is not followed across what has a type of its own; whatever is popped then is unknown. */
  forgetStack(): void {
    this.#stack.length = 0;
  }

  forgetGlobals(): void {
    this.#globals.clear();
  }

  unknown(): Value {
    return { root: ++this.#roots, delta: 0 };
  }

  constant(value: number): Value {
    return Math.abs(value) < MAX_DELTA ? { root: 0, delta: value } : this.unknown();
  }

  push(value: Value): void {
    this.#stack.push(value);
  }

  pop(): Value {
    return this.#stack.pop() ?? this.unknown();
  }

  /** The sum, or the difference, when one of the two is a constant. */
  sum(a: Value, b: Value, sign: 1 | -1): Value {
    let delta = Number.NaN;
    if (b.root === 0) delta = a.delta + sign * b.delta;
    else if (a.root === 0 && sign === 1) delta = b.delta + a.delta;
    if (!(Math.abs(delta) < MAX_DELTA)) return this.unknown();
    return { root: b.root === 0 ? a.root : b.root, delta };
  }

  local(index: number): Value {
    const known = this.#locals.get(index);
    if (known !== undefined) return known;
    const value = this.unknown();
    this.setLocal(index, value);
    return value;
  }

  setLocal(index: number, value: Value): void {
    this.#locals.set(index, value);
    this.#holders.set(value.root, index);
  }

  global(index: number): Value {
    const known = this.#globals.get(index);
    if (known !== undefined) return known;
    const value = this.unknown();
    this.#globals.set(index, value);
    return value;
  }

  setGlobal(index: number, value: Value): void {
    this.#globals.set(index, value);
  }

  /** A local that the value can be made from again, and how far it is from that. */
  holder(value: Value): { local: number; delta: number } | null {
    const local = this.#holders.get(value.root);
    const held = local === undefined ? undefined : this.#locals.get(local);
    if (local === undefined || held?.root !== value.root) return null;
    return { local, delta: value.delta - held.delta };
  }

  /** To be called with an address that a store has gone through: one that lies in the memory. */
  mark(root: number, delta: number): void {
    this.#marked.set(root, delta);
  }

  /**
   * How far the bytes at `delta` are from the address that was marked for the same root; null when there is none. That one lay in the
   * memory, which is much smaller than 2^32, and deltas are small: so either this is the distance, or the sum has
   * wrapped, is nearly 2^32 and the access a trap.
   */
  fromMarked(root: number, delta: number): number | null {
    const marked = this.#marked.get(root);
    return marked === undefined ? null : delta - marked;
  }
}
