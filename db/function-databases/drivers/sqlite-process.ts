import { type ChildProcess, fork } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { OUT_OF_MEMORY_SIGNAL } from './sqlite-protocol.js';
import type { RejectionReason } from './sqlite-rejection.js';

/**
 * The nice value of children relative to the engine. A child lowers its priority further during a
 * long statement.
 */
const NICE = 5;
const LOWEST = constants.priority.PRIORITY_LOW;
/**
 * Forks a child process that runs requests. Throws for some of the errors of the operating system.
 */
export function startChild(): ChildProcess {
  return fork(fileURLToPath(new URL('./sqlite-child.js', import.meta.url)), [String(process.pid)], {
    // An empty environment: it would contain keys and URLs with passwords.
    env: {},
    // See `tidy` in the child.
    execArgv: ['--expose-gc'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/**
 * An error in native code ends the process with one of these signals; any other signal came from
 * outside.
 */
export function reasonOf(signal: NodeJS.Signals | null): RejectionReason {
  if (signal === OUT_OF_MEMORY_SIGNAL) return 'memory';
  return signal === 'SIGABRT' || signal === 'SIGSEGV' || signal === 'SIGBUS' ? 'crashed' : 'killed';
}

export function lowerPriority({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.min(getPriority() + NICE, LOWEST));
  } catch {
    // The process has already ended, or the system has no priorities; the statement runs unchanged.
  }
}
