import { LRUCache } from 'lru-cache';
import { MB } from '../../src/contract/limits.js';
import type { Program } from '../wasm/run/program.js';
import { type Snapshot, shareBlocks } from '../wasm/run/snapshot.js';

/**
 * The cache limit in bytes of modules and snapshots; compiled code takes up to three times its
 * module's bytes.
 */
const MAX_BYTES = 256 * MB;
/** The assumed size of a program that is still being loaded. */
const UNKNOWN_BYTES = MB;
/**
 * The size of a program besides its module and snapshot: its objects on the main thread and on
 * guest threads.
 */
const PROGRAM_BYTES = 16 << 10;

/** The data that programs of the same strategy with the same code share. */
interface SharedCode {
  module: WebAssembly.Module;
  /** The snapshot of the first program; other programs store only their differences from it. */
  snapshot: Snapshot | null;
  bytes: number;
  users: number;
}

/**
 * An LRU cache of programs. Modules that differ only in their data share their code and most of
 * their snapshots.
 */
export class ProgramCache {
  readonly #maxBytes: number;
  /** Promises, so that concurrent calls of a module that is not compiled yet compile it once. */
  readonly #programs: LRUCache<string, Promise<Program>>;
  readonly #codes = new Map<string, SharedCode>();
  /** The code of each cached program, by the program's key. */
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

  /** The cached bytes; shared data is counted once. */
  get bytes(): number {
    return this.#programs.calculatedSize + this.#codeBytes;
  }

  has(key: string): boolean {
    return this.#programs.has(key);
  }

  /**
   * Returns the program of a key; the first call loads it, concurrent calls share the result.
   * Failures are not cached.
   */
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

  /**
   * Caches a program, replacing its code and snapshot with what other cached programs already have.
   * Returns the resulting program.
   */
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
    // Release the old code only after acquiring the new one: both may be the same.
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
