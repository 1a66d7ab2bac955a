import { Worker } from 'node:worker_threads';
import { AppError } from '../../src/errors.js';
import type { Program } from '../wasm/run/program.js';
import type { CpuClock } from './cpu-clock.js';
import { engineClosing } from './engine-closing.js';
import type { CompileRequest, FromCompiler, ToCompiler } from './protocol.js';
import { ThreadStartError } from './thread-start-error.js';

const SCRIPT = new URL('./compile-thread.cjs', import.meta.url);
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 1024, stackSizeMb: 4 };

/**
 * CPU time limits of the thread, in milliseconds. They do not depend on the load of other
 * processes.
 */
export interface CompileBudgets {
  /** Reading and compiling a module. */
  compile: number;
  /** Probing warm start strategies during a deploy. */
  probe: number;
  /** Repeating the probe in the background. */
  probeRetry: number;
}

/**
 * Reading and compiling 32 MB takes a few seconds; a module that takes more than 20 s is invalid. A
 * probe takes 0.3 s for a Go module and 0.7 s for a module of 11 MB. If a slow machine makes a
 * probe inconclusive, it is repeated with five times the limit.
 */
export const COMPILE_BUDGETS: CompileBudgets = { compile: 20_000, probe: 2000, probeRetry: 10_000 };
/** The wall-clock limit, in milliseconds, for a thread that uses no CPU time. */
const STUCK_MS = 300_000;
const CHECK_INTERVAL_MS = 50;

export interface CompiledModule {
  program: Program;
  /**
   * Why the strategy is not a warmer one; null when the best strategy for this kind of module was
   * chosen.
   */
  note: string | null;
  /** False when probing was given up, so that it may be repeated. */
  conclusive: boolean;
}

/** Decides whether V8 may register the function types of a module. */
export type AdmitTypes = (types: readonly string[]) => boolean;

interface CompileTask {
  id: number;
  admitTypes: AdmitTypes;
  request: CompileRequest;
  /** Set once the module can run at least as fresh. */
  fresh: Program | null;
  resolve(compiled: CompiledModule): void;
  reject(error: unknown): void;
  /** The CPU time at which the current phase began. */
  cpuAt: number;
  /** The CPU time when it last increased, and when that was. */
  cpuSeen: number;
  seenAt: number;
}

/**
 * A thread that reads, rewrites, compiles and probes modules, one at a time. Terminating it affects
 * no invocation, and does not reject a module that can already run as fresh.
 */
export class CompilerWorker {
  readonly #budgets: CompileBudgets;
  readonly #clockOf: (osThreadId: number | null) => CpuClock;
  readonly #script: URL;
  readonly #onExit: () => void;
  #worker: Worker | null = null;
  /** Whether a terminated thread still runs: V8 compiles and validates without interruption. */
  #isExiting = false;
  #hasStarted = false;
  #clock: CpuClock = () => 0;
  #task: CompileTask | null = null;
  #lastId = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param clockOf Returns the clock of a thread's CPU time, given the thread's number.
   * @param onExit Called when a thread that was terminated has exited.
   */
  constructor({
    budgets,
    clockOf,
    onExit,
    script = SCRIPT,
  }: {
    budgets: CompileBudgets;
    clockOf: (osThreadId: number | null) => CpuClock;
    onExit: () => void;
    script?: URL | undefined;
  }) {
    this.#script = script;
    this.#budgets = budgets;
    this.#clockOf = clockOf;
    this.#onExit = onExit;
  }

  /**
   * Whether it can take no module. It starts no thread while the last one still runs, so that the
   * number of threads is limited.
   */
  get busy(): boolean {
    return this.#task !== null || this.#isExiting;
  }

  /**
   * Compiles a module. Rejects with `invalid_module`, or another code from the thread, when the
   * module cannot run, and with ThreadStartError when there is no thread.
   */
  compile(request: CompileRequest, admitTypes: AdmitTypes): Promise<CompiledModule> {
    return new Promise((resolve, reject) => {
      const cpuAt = this.#clock();
      this.#task = {
        id: ++this.#lastId,
        request,
        admitTypes,
        fresh: null,
        resolve,
        reject,
        cpuAt,
        cpuSeen: cpuAt,
        seenAt: performance.now(),
      };
      this.#timer = setInterval(() => this.#checkBudget(), CHECK_INTERVAL_MS);
      try {
        this.#post({ type: 'module', id: this.#lastId, request });
      } catch (error) {
        this.#startFailed(error);
      }
    });
  }

  /**
   * Gives up a probe that is being repeated: it is inconclusive, or rejects as `unavailable` if the
   * module was not compiled yet.
   */
  interruptRepeatedProbe(): void {
    if (this.#task?.request.again !== true) return;
    const reason = 'another module of the namespace was needed';
    this.#giveUp(reason, { conclusive: false, code: 'unavailable' });
  }

  /** Terminates the thread; the next module gets a new one. */
  async retire(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#clock = () => 0;
    if (worker === null) return;
    this.#isExiting = true;
    await worker.terminate();
    this.#isExiting = false;
    this.#onExit();
  }

  async close(): Promise<void> {
    const task = this.#end();
    task?.reject(engineClosing('compiles no further modules'));
    await this.retire();
  }

  #thread(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(this.#script, { resourceLimits: RESOURCE_LIMITS, env: {}, execArgv: [] });
    this.#worker = worker;
    this.#hasStarted = false;
    worker.on('message', (message: FromCompiler) => {
      if (this.#worker === worker) this.#handleMessage(message);
    });
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      if (this.#hasStarted) this.#giveUp(error.message, { conclusive: false });
      else this.#startFailed(error);
    });
    return worker;
  }

  #post(message: ToCompiler): void {
    this.#thread().postMessage(message);
  }

  #handleMessage(message: FromCompiler): void {
    if (message.type === 'ready') {
      this.#hasStarted = true;
      this.#clock = this.#clockOf(message.osThreadId);
      this.#beginPhase();
      return;
    }
    const task = this.#task;
    if (task === null || task.id !== message.id) return;
    if (message.type === 'types') this.#answerTypes(task, message.types);
    else if (message.type === 'refused') {
      this.#end();
      task.reject(new AppError(message.code, message.message));
    } else if (message.last) {
      this.#end();
      task.resolve({ program: message.program, note: message.note, conclusive: true });
    } else {
      task.fresh = message.program;
      this.#beginPhase();
    }
  }

  #answerTypes(task: CompileTask, types: string[]): void {
    const isAdmitted = task.admitTypes(types);
    this.#post({ type: 'types', id: task.id, isAdmitted });
    if (isAdmitted) return;
    this.#end();
    task.reject(tooManyTypes(types.length));
  }

  #beginPhase(): void {
    if (this.#task === null) return;
    this.#task.cpuAt = this.#clock();
    this.#task.cpuSeen = this.#task.cpuAt;
    this.#task.seenAt = performance.now();
  }

  #checkBudget(): void {
    const task = this.#task;
    if (task === null) return;
    const again = task.request.again === true;
    const { compile, probe, probeRetry } = this.#budgets;
    const budget = task.fresh === null ? compile : again ? probeRetry : probe;
    const cpu = this.#clock();
    if (cpu > task.cpuSeen) {
      task.cpuSeen = cpu;
      task.seenAt = performance.now();
    }
    if (cpu - task.cpuAt > budget) {
      this.#giveUp(`it took more than ${budget / 1000} s of processor time`, { conclusive: again });
    } else if (performance.now() - task.seenAt > STUCK_MS) {
      const reason = `it made no progress for ${STUCK_MS / 1000} s`;
      this.#giveUp(reason, { conclusive: false, code: 'unavailable' });
    }
  }

  /**
   * Terminates the thread because it failed or exceeded a limit. The module runs as fresh if it was
   * compiled that far, and is rejected otherwise: as invalid, or as `unavailable` when the machine
   * and not the module is the reason.
   */
  #giveUp(
    reason: string,
    { conclusive, code = 'invalid_module' }: { conclusive: boolean; code?: 'invalid_module' | 'unavailable' },
  ): void {
    void this.retire();
    const task = this.#end();
    if (task === null) return;
    const { fresh } = task;
    if (fresh !== null)
      task.resolve({ program: fresh, note: `warm start was given up: ${reason}`, conclusive });
    else task.reject(new AppError(code, `The module could not be compiled: ${reason}.`));
  }

  /** The next module gets another thread. */
  #startFailed(cause: unknown): void {
    void this.retire();
    this.#end()?.reject(new ThreadStartError(cause));
  }

  #end(): CompileTask | null {
    if (this.#timer !== null) clearInterval(this.#timer);
    const task = this.#task;
    this.#task = null;
    return task;
  }
}

function tooManyTypes(count: number): AppError {
  return new AppError(
    'quota_exceeded',
    `The module has ${count} distinct function types, and those that are new to this engine process are more than the namespace may still add. Use fewer types, or ask the operator to restart the engine.`,
    { status: 413 },
  );
}
