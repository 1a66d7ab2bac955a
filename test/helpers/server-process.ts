import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Far more than a start takes on a machine that is busy with much else: only so that a test ends.
 */
const READY_MS = 240_000;

/**
 * Starts a server and waits until it can be used. One that ends before, or is not ready in four
 * minutes, is an error with what it wrote last, and nothing of it is left running. `ready` gets a
 * signal for its own clean-up.
 */
export async function launch(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'env'>,
  ready: (server: ChildProcess, signal: AbortSignal) => Promise<void>,
): Promise<ChildProcess> {
  const server = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [server.stdout, server.stderr]) {
    // Read to the end, or a full pipe would stop the server.
    stream.setEncoding('utf8').on('data', (part: string) => {
      said = (said + part).slice(-2000);
    });
  }
  const over = new AbortController();
  const failed = new Promise<never>((_, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
  });
  const late = sleep(READY_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it was not ready within ${READY_MS / 1000} s`);
  });
  late.catch(() => {});
  failed.catch(() => {});
  try {
    await Promise.race([ready(server, over.signal), failed, late]);
    return server;
  } catch (error) {
    await endProcess(server);
    throw new Error(`${program} cannot be used: ${error instanceof Error ? error.message : error}\n${said}`);
  } finally {
    over.abort();
  }
}

/** Ends it at once, as a crash would, unless told otherwise; returns when it is gone. */
export async function endProcess(server: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (!isRunning(server)) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
}

export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}
