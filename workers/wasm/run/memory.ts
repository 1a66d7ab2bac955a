import { cardTableOf, markDirty } from '../instrument/dirty-cards.js';

const NONE = new Uint8Array(0);

/**
 * The memory of the running guest: bounds-checked views that stay valid when the memory grows.
 * Accesses out of bounds throw a RangeError. With a card table, writes of the host also mark dirty
 * cards, so the host must write only through `window`, `write`, `setU32` and `setU64`.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | null = null;
  #tableBytes = 0;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #cards = NONE;
  readonly #onSize: (bytes: number) => void;

  /**
   * @param onSize Called with the size of a memory that is attached, and when it is seen to have
   *   grown.
   */
  constructor(onSize: (bytes: number) => void = () => {}) {
    this.#onSize = onSize;
  }

  /**
   * @param tableBytes The size of the card table, which precedes the guest's memory; 0 without one.
   */
  attach(memory: WebAssembly.Memory | null, tableBytes = 0): void {
    const buffer = memory?.buffer ?? new ArrayBuffer(0);
    this.#memory = memory;
    this.#tableBytes = tableBytes;
    this.#bytes = new Uint8Array(buffer, tableBytes);
    this.#view = new DataView(buffer, tableBytes);
    // Reset even without a table: the view of the old table would keep its memory alive.
    this.#cards = tableBytes > 0 ? cardTableOf(buffer, tableBytes) : NONE;
    if (memory !== null) this.#onSize(this.#bytes.length);
  }

  get byteLength(): number {
    return this.#all.length;
  }

  /**
   * The whole memory. Growing the memory detaches the buffer of a view, so every access checks for
   * that.
   */
  get #all(): Uint8Array {
    this.#refresh();
    return this.#bytes;
  }

  /** For reading. */
  get view(): DataView {
    this.#refresh();
    return this.#view;
  }

  #refresh(): void {
    if (this.#memory !== null && this.#memory.buffer !== this.#bytes.buffer)
      this.attach(this.#memory, this.#tableBytes);
  }

  /**
   * Returns a part of guest memory for reading. Pointers and lengths arrive as signed numbers and
   * are interpreted as unsigned.
   */
  slice(pointer: number, length: number): Uint8Array {
    const from = pointer >>> 0;
    const size = length >>> 0;
    const bytes = this.#all;
    if (from + size > bytes.length) {
      throw new RangeError(`${size} bytes at ${from} are outside the memory of ${bytes.length}`);
    }
    return bytes.subarray(from, from + size);
  }

  /** Returns a part of guest memory for writing. */
  window(pointer: number, length: number): Uint8Array {
    const part = this.slice(pointer, length);
    if (this.#tableBytes > 0) markDirty(this.#cards, pointer >>> 0, part.length);
    return part;
  }

  /** Returns a copy of a part of guest memory, which later guest code does not change. */
  copy(pointer: number, length: number): Uint8Array {
    return this.slice(pointer, length).slice();
  }

  write(pointer: number, data: Uint8Array): void {
    this.window(pointer, data.length).set(data);
  }

  getU32(pointer: number): number {
    return this.view.getUint32(pointer >>> 0, true);
  }

  setU32(pointer: number, value: number): void {
    this.#dirtied(pointer, 4).setUint32(pointer >>> 0, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    this.#dirtied(pointer, 8).setBigUint64(pointer >>> 0, value, true);
  }

  /** The view throws for addresses outside the memory; the card table ignores them. */
  #dirtied(pointer: number, length: number): DataView {
    const { view } = this;
    if (this.#tableBytes > 0) markDirty(this.#cards, pointer >>> 0, length);
    return view;
  }
}
