import { constants, getPriority, setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import { MB } from '../../../src/contract/limits.js';
import { MAX_STATEMENT_MB, OUT_OF_MEMORY_SIGNAL } from './sqlite-protocol.js';
import type { WatchdogData } from './sqlite-watchdog.js';

/**
 * A thread that watches what the main thread cannot see during a statement. It ends the process
 * when the engine has died or the statement uses too much memory, and lowers the priority of the
 * process when the statement runs long. It checks frequently only while a statement runs.
 */

/**
 * The increase of the nice value for a statement that has used SLOW_CPU_MS of CPU time. CPU time,
 * because wall-clock time depends on the load of the machine.
 */
const SLOW_NICE = 10;
const SLOW_CPU_MS = 500;
const MAX_STATEMENT_BYTES = MAX_STATEMENT_MB * MB;
/** The time between two checks while a statement runs and while none does, in milliseconds. */
const RUNNING_CHECK_MS = 30;
const IDLE_CHECK_MS = 1000;

const { engine, shared } = workerData as WatchdogData;
const atRest = process.memoryUsage.rss();
let lookedAt = 0;
let statement = 0;
let cpuAtStart = 0;

for (;;) {
  const running = Atomics.load(shared, 0);
  Atomics.wait(shared, 0, running, running === 0 ? IDLE_CHECK_MS : RUNNING_CHECK_MS);
  if (Atomics.load(shared, 0) !== statement) {
    statement = Atomics.load(shared, 0);
    cpuAtStart = cpuMs();
  }
  if (statement !== 0) checkStatement();
  if (performance.now() - lookedAt < IDLE_CHECK_MS) continue;
  lookedAt = performance.now();
  if (process.ppid !== engine) process.kill(process.pid, 'SIGKILL');
}

function checkStatement(): void {
  if (process.memoryUsage.rss() > atRest + MAX_STATEMENT_BYTES) {
    process.kill(process.pid, OUT_OF_MEMORY_SIGNAL);
  }
  if (Atomics.load(shared, 1) !== 0 || cpuMs() - cpuAtStart <= SLOW_CPU_MS) return;
  Atomics.store(shared, 1, 1);
  try {
    const nice = Math.min(getPriority(process.pid) + SLOW_NICE, constants.priority.PRIORITY_LOW);
    setPriority(process.pid, nice);
  } catch {
    // The statement keeps its priority; the child is replaced after it.
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
