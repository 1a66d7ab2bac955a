import { availableParallelism } from 'node:os';
import type { WarmStart } from '../../src/contract/function.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import { isUnreadable } from '../../src/ports/blobs.js';
import type {
  Engine,
  EngineStats,
  GuestCall,
  GuestModule,
  GuestOutcome,
  InspectSettings,
  ModuleInspection,
} from '../../src/ports/engine.js';
import { ModuleCompiler } from '../threads/module-compiler.js';
import { ThreadStartError } from '../threads/thread-start-error.js';
import type { Program } from '../wasm/run/program.js';
import { ModuleUnavailable } from './module-unavailable.js';
import { refused } from './outcome.js';
import { ProgramCache } from './program-cache.js';
import { Scheduler } from './scheduler.js';
import { ThreadsUnavailable } from './threads-unavailable.js';

export interface EngineOptions {
  /**
   * The number of guests that compute at once; one per core by default. 0: modules are only
   * inspected, no guest runs.
   */
  threads?: number;
  /** The number of further guests that may wait in a host call or a sleep at once. */
  parked?: number;
  /**
   * The memory limit of running guests, parked guests and warm instances together, in megabytes.
   */
  memoryMb?: number;
  /** Called when the engine meets a fault of the machine that it works around. */
  warn?(message: string, error: Error): void;
}

/** Opens the engine: compiles and inspects modules, and runs guests on threads. */
export function openEngine(options: EngineOptions = {}): Engine {
  return new ThreadedEngine(options);
}

class ThreadedEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #scheduler: Scheduler;
  readonly #compiler: ModuleCompiler;
  readonly #programs: ProgramCache;
  #closing: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler({
      threads: options.threads ?? availableParallelism(),
      parked: options.parked ?? 64,
      memoryMb: options.memoryMb ?? 2048,
      isCached: (key) => this.#programs.has(key),
      ...(options.warn === undefined ? {} : { warn: options.warn }),
    });
    this.#compiler = new ModuleCompiler({ onBusy: (isBusy) => this.#scheduler.setCompiling(isBusy) });
    this.#programs = new ProgramCache((key) => this.#scheduler.unload(key));
  }

  async inspect(wasm: Uint8Array, settings: InspectSettings): Promise<ModuleInspection> {
    const { cid, name, memoryLimitMb: limitMb, namespace, again = false } = settings;
    const request = { wasm, name, limitMb, want: 'probe', again } as const;
    const priority = again ? 'background' : 'deploy';
    const { program, note, conclusive } = await this.#compile(namespace, priority, request);
    this.#programs.keep(programKey(cid, name, limitMb, program.strategy), program);
    if (program.waits) this.#scheduler.expectWaiting();
    const inspection: ModuleInspection = { kind: program.shape.kind, warmStart: program.strategy };
    if (note !== null) inspection.note = note;
    if (!conclusive) inspection.inconclusive = true;
    return inspection;
  }

  async prepare(module: GuestModule): Promise<void> {
    const program = await this.#programOf(module);
    this.#scheduler.instantiate(keyOf(module), program);
  }

  async run(call: GuestCall): Promise<GuestOutcome> {
    let program: Program;
    try {
      program = await this.#programOf(call);
    } catch (error) {
      if (isAppError(error, 'unavailable')) throw error;
      // The module was accepted at deploy and cannot be used now. This is an attempt that failed,
      // because it does not end by itself, as an outage of the storage does.
      return refused(messageOf(error));
    }
    return this.#scheduler.run(call, keyOf(call), program);
  }

  async ping(): Promise<void> {
    this.#scheduler.assertThreads();
  }

  stats(): EngineStats {
    return this.#scheduler.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await this.#scheduler.close();
    await this.#compiler.close();
  }

  #programOf(module: GuestModule): Promise<Program> {
    return this.#programs.load(keyOf(module), () => this.#load(module));
  }

  async #load(module: GuestModule): Promise<Program> {
    const { functionName: name, memoryLimitMb: limitMb, warmStart: want, namespace } = module;
    const wasm = await module.loadWasm().catch((cause) => {
      throw isUnreadable(cause) ? damagedModule(name, cause) : unavailableModule(name, cause);
    });
    return (await this.#compile(namespace, 'run', { wasm, name, limitMb, want })).program;
  }

  async #compile(...given: Parameters<ModuleCompiler['compile']>): ReturnType<ModuleCompiler['compile']> {
    try {
      return await this.#compiler.compile(...given);
    } catch (error) {
      if (!(error instanceof ThreadStartError)) throw error;
      this.#options.warn?.('A thread to compile modules cannot be started.', error);
      throw new ThreadsUnavailable(error);
    }
  }
}

function damagedModule(name: string, cause: AppError): AppError {
  const what = `The module of ${name} cannot be loaded: ${cause.message}`;
  return new AppError('blob_damaged', `${what} Deploy ${name} again, then replay what has failed.`, {
    cause,
  });
}

function unavailableModule(name: string, cause: unknown): ModuleUnavailable {
  const why = isAppError(cause) ? `: ${cause.message}` : "; the engine's log has the details.";
  return new ModuleUnavailable(`The module of ${name} cannot be loaded${why}`, cause);
}

function keyOf({ cid, functionName, memoryLimitMb, warmStart }: GuestModule): string {
  return programKey(cid, functionName, memoryLimitMb, warmStart);
}

/**
 * Returns the key of a program. A snapshot contains argv[0], so warm programs are cached by name; a
 * fresh program is the same for all names.
 */
function programKey(cid: string, name: string, limitMb: number, strategy: WarmStart): string {
  return strategy === 'fresh' ? `${cid}/${limitMb}` : `${cid}/${limitMb}/${strategy}/${name}`;
}
