/** The memory of the guest that runs: bounds-checked views that stay right when it grows. Out of bounds throws a RangeError. */
export class GuestMemory {
  #memory: WebAssembly.Memory | null = null;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);

  attach(memory: WebAssembly.Memory | null): void {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory?.buffer ?? new ArrayBuffer(0));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  /** The whole memory. Growing detaches the buffer under a view, hence the check at each use. */
  get bytes(): Uint8Array {
    if (this.#memory !== null && this.#memory.buffer !== this.#bytes.buffer) this.attach(this.#memory);
    return this.#bytes;
  }

  get view(): DataView {
    if (this.#memory !== null && this.#memory.buffer !== this.#bytes.buffer) this.attach(this.#memory);
    return this.#view;
  }

  /** A window on guest memory. Pointers and lengths arrive as signed numbers and are unsigned. */
  slice(pointer: number, length: number): Uint8Array {
    const from = pointer >>> 0;
    const size = length >>> 0;
    const bytes = this.bytes;
    if (from + size > bytes.length) {
      throw new RangeError(`${size} bytes at ${from} are outside the memory of ${bytes.length}`);
    }
    return bytes.subarray(from, from + size);
  }

  /** A copy, which stays what it is when the guest runs on. */
  copy(pointer: number, length: number): Uint8Array {
    return this.slice(pointer, length).slice();
  }

  write(pointer: number, data: Uint8Array): void {
    this.slice(pointer, data.length).set(data);
  }

  getU32(pointer: number): number {
    return this.view.getUint32(pointer >>> 0, true);
  }

  setU32(pointer: number, value: number): void {
    this.view.setUint32(pointer >>> 0, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    this.view.setBigUint64(pointer >>> 0, value, true);
  }
}
