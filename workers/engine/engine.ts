import { availableParallelism } from 'node:os';
import type { WarmStart } from '../../src/contract/function.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import { isUnreadable } from '../../src/ports/blobs.js';
import type {
  Engine,
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

/** Creates the engine: compiles and inspects modules, and runs guests on threads. */
export function createEngine(options: EngineOptions = {}): Engine {
  const scheduler = new Scheduler({
    threads: options.threads ?? availableParallelism(),
    parked: options.parked ?? 64,
    memoryMb: options.memoryMb ?? 2048,
    isCached: (key) => programs.has(key),
    ...(options.warn === undefined ? {} : { warn: options.warn }),
  });
  const compiler = new ModuleCompiler({ onBusy: (isBusy) => scheduler.setCompiling(isBusy) });
  const programs = new ProgramCache((key) => scheduler.unload(key));

  async function inspect(wasm: Uint8Array, settings: InspectSettings): Promise<ModuleInspection> {
    const { cid, name, memoryLimitMb: limitMb, namespace = '', again = false } = settings;
    const request = { wasm, name, limitMb, want: 'probe', again } as const;
    const priority = again ? 'background' : 'deploy';
    const { program, note, conclusive } = await compile(namespace, priority, request);
    programs.keep(programKey(cid, name, limitMb, program.strategy), program);
    if (program.waits) scheduler.expectWaiting();
    const inspection: ModuleInspection = { kind: program.shape.kind, warmStart: program.strategy };
    if (note !== null) inspection.note = note;
    if (!conclusive) inspection.inconclusive = true;
    return inspection;
  }

  const programOf = (module: GuestModule) => programs.load(keyOf(module), () => load(module));

  async function load(module: GuestModule): Promise<Program> {
    const { functionName: name, memoryLimitMb: limitMb, warmStart: want, namespace } = module;
    const wasm = await module.loadWasm().catch((cause) => {
      throw isUnreadable(cause) ? damagedModule(name, cause) : unavailableModule(name, cause);
    });
    return (await compile(namespace, 'run', { wasm, name, limitMb, want })).program;
  }

  const compile: ModuleCompiler['compile'] = (...given) =>
    compiler.compile(...given).catch((error) => {
      if (!(error instanceof ThreadStartError)) throw error;
      options.warn?.('A thread to compile modules cannot be started.', error);
      throw new ThreadsUnavailable(error);
    });

  async function run(call: GuestCall): Promise<GuestOutcome> {
    let program: Program;
    try {
      program = await programOf(call);
    } catch (error) {
      if (isAppError(error, 'unavailable')) throw error;
      // The module was accepted at deploy and cannot be used now. This is an attempt that failed,
      // because it does not end by itself, as an outage of the storage does.
      return refused(messageOf(error));
    }
    return scheduler.run(call, keyOf(call), program);
  }

  let closing: Promise<void> | null = null;
  async function closeAll(): Promise<void> {
    await scheduler.close();
    await compiler.close();
  }

  return {
    inspect,
    prepare: async (module) => scheduler.instantiate(keyOf(module), await programOf(module)),
    run,
    ping: async () => scheduler.assertThreads(),
    stats: () => scheduler.stats(),
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
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
