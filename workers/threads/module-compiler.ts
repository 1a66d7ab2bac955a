import { FairQueue } from '../../src/concurrency/fair-queue.js';
import type { Closable } from '../../src/ports/closable.js';
import {
  COMPILE_BUDGETS,
  type CompileBudgets,
  type CompiledModule,
  CompilerWorker,
} from './compiler-worker.js';
import { cpuClock } from './cpu-clock.js';
import { engineClosing } from './engine-closing.js';
import type { CompileRequest } from './protocol.js';
import { TypeShare } from './type-share.js';

/**
 * The number of threads that compile modules. While one is busy with a namespace's module, the
 * other serves the other namespaces.
 */
const WORKERS = 2;
/** Threads that are idle for this long, in milliseconds, are terminated: each takes 20 MB. */
const IDLE_MS = 10_000;

/** V8's registry belongs to the process. */
const processTypes = new TypeShare();

/** What waits for a module: a call that is to run it, a deploy, or nothing. */
export type CompilePriority = 'run' | 'deploy' | 'background';

export interface ModuleCompilerOptions {
  budgets?: CompileBudgets;
  /** Returns the clock of a thread's CPU time, given the thread's number. */
  clockOf?: typeof cpuClock;
  /** The script of the threads; by default the one of the engine. */
  script?: URL;
  /** The function types of the process's modules; by default those of all compilers together. */
  types?: TypeShare;
  /** Called when a module begins to be compiled, and when none is any more. */
  onBusy?(isBusy: boolean): void;
}

interface WaitingCompilation {
  namespace: string;
  request: CompileRequest;
  resolve(compiled: Promise<CompiledModule>): void;
  reject(error: unknown): void;
}

/**
 * Compiles modules, and probes them, off the main thread. Namespaces take turns, and at most one
 * module per namespace is compiled at a time, so that modules whose initialization never ends delay
 * only their own namespace.
 */
export class ModuleCompiler implements Closable {
  readonly #workers: readonly CompilerWorker[];
  readonly #onBusy: (isBusy: boolean) => void;
  /** Served in this order. */
  readonly #queues: Readonly<Record<CompilePriority, FairQueue<WaitingCompilation>>> = {
    run: new FairQueue(),
    deploy: new FairQueue(),
    background: new FairQueue(),
  };
  /** The thread of each namespace whose module is being compiled. */
  readonly #busy = new Map<string, CompilerWorker>();
  readonly #types: TypeShare;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: ModuleCompilerOptions = {}) {
    const { budgets = COMPILE_BUDGETS, clockOf = cpuClock, script, onBusy = () => undefined } = options;
    this.#onBusy = onBusy;
    this.#types = options.types ?? processTypes;
    const onExit = () => this.#next();
    this.#workers = Array.from(
      { length: WORKERS },
      () => new CompilerWorker({ budgets, clockOf, script, onExit }),
    );
  }

  /**
   * Queues a module. Resolves when it is compiled; rejects when it is invalid or the engine closes.
   */
  compile(namespace: string, priority: CompilePriority, request: CompileRequest): Promise<CompiledModule> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(engineClosing('compiles no further modules'));
        return;
      }
      this.#queues[priority].push(namespace, { namespace, request, resolve, reject });
      // Nobody waits for a repeated probe, and it may take ten seconds of processor time.
      if (priority !== 'background') this.#busy.get(namespace)?.interruptRepeatedProbe();
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const queue of Object.values(this.#queues))
      for (const { reject } of queue.drain()) reject(engineClosing('compiles no further modules'));
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  #next(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const worker of this.#workers) {
      const waiting = worker.busy || this.#closed ? null : this.#take();
      if (waiting !== null) this.#begin(worker, waiting);
    }
    if (this.#busy.size > 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      for (const worker of this.#workers) void worker.retire();
    }, IDLE_MS);
    this.#timer.unref();
  }

  #take(): WaitingCompilation | null {
    for (const queue of Object.values(this.#queues)) {
      const waiting = queue.take(({ namespace }) => !this.#busy.has(namespace));
      if (waiting !== null) return waiting;
    }
    return null;
  }

  #begin(worker: CompilerWorker, { namespace, request, resolve }: WaitingCompilation): void {
    this.#busy.set(namespace, worker);
    if (this.#busy.size === 1) this.#onBusy(true);
    const compiled = worker.compile(request, (types) => this.#types.admit(namespace, types));
    resolve(compiled);
    const ended = () => {
      this.#busy.delete(namespace);
      this.#next();
      if (this.#busy.size === 0) this.#onBusy(false);
    };
    compiled.then(ended, ended);
  }
}
