import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Much longer than startup takes on a busy machine; only ensures that a test ends. */
const READY_MS = 240_000;

/**
 * Starts a server and waits until it is ready. Rejects with its last output if it exits before or
 * is not ready within four minutes; the process is then killed. `ready` gets a signal for its own
 * clean-up.
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
    // Must be read, as a full pipe would block the server.
    stream.setEncoding('utf8').on('data', (part: string) => {
      said = (said + part).slice(-2000);
    });
  }
  const over = new AbortController();
  const failed = new Promise<never>((_, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`the process ended with ${code}`)));
  });
  const late = sleep(READY_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error(`the process was not ready within ${READY_MS / 1000} s`);
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

/** A server that a test can kill and start again on the same data. */
export interface RestartableServer {
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  restart(): Promise<void>;
  /** Kills the server and removes its directory. */
  close(): Promise<void>;
}

/**
 * Starts a server on a directory, which is removed when the server cannot be started or is closed.
 */
export async function startRestartable(
  dir: string,
  start: () => Promise<ChildProcess>,
): Promise<RestartableServer> {
  const removeDir = () => rm(dir, { recursive: true, force: true });
  let server = await start().catch(async (error) => {
    await removeDir();
    throw error;
  });
  return {
    kill: () => endProcess(server),
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    restart: async () => {
      await endProcess(server);
      server = await start();
    },
    close: async () => {
      await endProcess(server);
      await removeDir();
    },
  };
}

/** Kills the process (by default with SIGKILL) and resolves when it has exited. */
export async function endProcess(server: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (!isRunning(server)) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
}

export function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}
