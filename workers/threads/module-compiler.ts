import { Worker } from 'node:worker_threads';
import { AppError } from '../../src/errors.js';
import type { Closable } from '../../src/ports/closable.js';
import type { Program } from '../wasm/run/program.js';
import type { CompileRequest, FromCompiler, ToCompiler } from './protocol.js';

const SCRIPT = new URL('./compile-thread.cjs', import.meta.url);
/** Reading and compiling 32 MB takes a few seconds; beyond this something is wrong with the module. */
const COMPILE_MS = 30_000;
/** Once the module can run as fresh, trying for something warmer may take this long. */
const PROBE_MS = 15_000;
/** A thread that has nothing to do for this long is ended: it takes 20 MB. */
const IDLE_MS = 10_000;
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 1024, stackSizeMb: 4 };

export interface CompiledModule {
  program: Program;
  note: string | null;
}

interface Task {
  id: number;
  request: CompileRequest;
  fresh: Program | null;
  resolve(prepared: CompiledModule): void;
  reject(error: unknown): void;
}

/**
 * The thread on which modules are read, rewritten, compiled and probed, one at a time: none of it is for the main thread, and
 * what a module does while it is probed can be killed without touching an invocation.
 */
export class ModuleCompiler implements Closable {
  readonly #waiting: Task[] = [];
  #worker: Worker | null = null;
  #current: Task | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastId = 0;
  #closed = false;

  prepare(request: CompileRequest): Promise<CompiledModule> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(closing());
        return;
      }
      const task: Task = { id: ++this.#lastId, request, fresh: null, resolve, reject };
      // Someone waits for a run; a deploy can wait a little.
      if (request.want === 'probe') this.#waiting.push(task);
      else this.#waiting.unshift(task);
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const task of [...this.#waiting.splice(0), this.#current]) task?.reject(closing());
    this.#current = null;
    await this.#worker?.terminate();
  }

  #next(): void {
    if (this.#current !== null || this.#closed) return;
    const task = this.#waiting.shift();
    if (task === undefined) {
      this.#timer = setTimeout(() => this.#retire(), IDLE_MS);
      this.#timer.unref();
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#current = task;
    this.#timer = setTimeout(() => this.#tooLong(), COMPILE_MS);
    this.#thread().postMessage({
      type: 'prepare',
      id: task.id,
      request: task.request,
    } satisfies ToCompiler);
  }

  #retire(): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(SCRIPT, { resourceLimits: RESOURCE_LIMITS, env: {}, execArgv: [] });
    this.#worker = worker;
    worker.on('message', (message: FromCompiler) => {
      if (this.#worker === worker) this.#heard(message);
    });
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#died(error);
    });
    return worker;
  }

  #heard(message: FromCompiler): void {
    const task = this.#current;
    if (message.type === 'ready' || task === null || task.id !== message.id) return;
    if (message.type === 'refused') {
      this.#finish(() => task.reject(new AppError(message.code, message.message)));
      return;
    }
    const { program, note } = message;
    if (!message.last) {
      task.fresh = program;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tooLong(), PROBE_MS);
      return;
    }
    this.#finish(() => task.resolve({ program, note }));
  }

  #tooLong(): void {
    this.#died(new Error('it took too long'));
  }

  /** The thread has failed or hangs on this module. What is there of it by then is taken. */
  #died(cause: Error): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    const task = this.#current;
    if (task === null) return;
    const { fresh } = task;
    this.#finish(() => {
      if (fresh !== null) {
        task.resolve({ program: fresh, note: `warm start was given up: ${cause.message}` });
      } else {
        const sentence = `The module could not be prepared: ${cause.message}.`;
        task.reject(new AppError('invalid_module', sentence, { cause }));
      }
    });
  }

  #finish(settle: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#current = null;
    settle();
    this.#next();
  }
}

function closing(): AppError {
  return new AppError('unavailable', 'The engine is closing; no module is prepared here.');
}
