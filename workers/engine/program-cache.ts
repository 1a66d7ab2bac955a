import { LRUCache } from 'lru-cache';
import { type Snapshot, shareBlocks } from '../wasm/run/image.js';
import type { Program } from '../wasm/run/program.js';

/** By the bytes of modules and snapshots; their code takes up to three times that. */
const MAX_BYTES = 256 << 20;
/** Of a program that is still being made. */
const UNKNOWN_BYTES = 1 << 20;
/** Of each program, beside its snapshot: what this thread and the guests' have of it. */
const PROGRAM_BYTES = 16 << 10;

/** What programs of the same strategy whose code is the same have in common. */
interface SharedCode {
  module: WebAssembly.Module;
  /** Of the program that came first; of the others' snapshots only what differs is kept. */
  snapshot: Snapshot | null;
  bytes: number;
  users: number;
}

/**
 * Programs kept ready, least recently used given up first. Modules that differ in their data only
 * share their code and most of their snapshots.
 */
export class ProgramCache {
  readonly #maxBytes: number;
  /** Promises, so that many calls of a module that is not compiled yet compile it once. */
  readonly #programs: LRUCache<string, Promise<Program>>;
  readonly #codes = new Map<string, SharedCode>();
  /** The code of each program that is kept, by the program's key. */
  readonly #codeOf = new Map<string, string>();
  #codeBytes = 0;

  constructor(onEvict: (key: string) => void, maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
    this.#programs = new LRUCache({
      maxSize: maxBytes,
      dispose: (_program, key, reason) => {
        if (reason === 'set') return;
        this.#releaseCode(key);
        onEvict(key);
      },
    });
  }

  /** Bytes of all that is kept, what is shared once. */
  get bytes(): number {
    return this.#programs.calculatedSize + this.#codeBytes;
  }

  /** The program of this key, loaded by the first who asks; what failed is not remembered. */
  load(key: string, load: () => Promise<Program>): Promise<Program> {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const loading = load().then((program) => this.keep(key, program));
    this.#programs.set(key, loading, { size: UNKNOWN_BYTES });
    loading.catch(() => {
      if (this.#programs.peek(key) === loading) this.#programs.delete(key);
    });
    return loading;
  }

  /** The same program, with what others have already in place of its own. */
  keep(key: string, program: Program): Program {
    const code = this.#takeCode(key, program);
    const shared = withShared(program, code);
    const own = shared.snapshot === code.snapshot ? 0 : (shared.snapshot?.filled.byteLength ?? 0);
    this.#programs.set(key, Promise.resolve(shared), { size: PROGRAM_BYTES + own });
    while (this.bytes > this.#maxBytes && this.#programs.size > 1) this.#programs.pop();
    return shared;
  }

  #takeCode(key: string, { strategy, moduleHash, module, moduleBytes, snapshot }: Program): SharedCode {
    const id = `${strategy}/${moduleHash}`;
    let code = this.#codes.get(id);
    if (code === undefined) {
      const bytes = moduleBytes + (snapshot?.filled.byteLength ?? 0);
      code = { module, snapshot, bytes, users: 0 };
      this.#codes.set(id, code);
      this.#codeBytes += bytes;
    }
    code.users++;
    // After the new one was taken: it may be the same.
    this.#releaseCode(key);
    this.#codeOf.set(key, id);
    return code;
  }

  #releaseCode(key: string): void {
    const id = this.#codeOf.get(key);
    const code = id === undefined ? undefined : this.#codes.get(id);
    if (id === undefined || code === undefined) return;
    this.#codeOf.delete(key);
    if (--code.users > 0) return;
    this.#codes.delete(id);
    this.#codeBytes -= code.bytes;
  }
}

function withShared(program: Program, { module, snapshot: base }: SharedCode): Program {
  const share = (snapshot: Snapshot) => (base === null ? snapshot : shareBlocks(snapshot, base));
  if (program.strategy !== 'fresh') return { ...program, module, snapshot: share(program.snapshot) };
  return { ...program, module, snapshot: program.snapshot === null ? null : share(program.snapshot) };
}
