import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endProcess } from './server-process.js';

/** Much longer than startup takes on a busy machine; only ensures that a test ends. */
const READY_MS = 240_000;

/**
 * Resolves with the matched part of the stdout line that reports readiness. Kills a process that
 * does not print it in time.
 */
export async function readyLine(child: ChildProcess, line: RegExp, log: () => string): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no stdout');
  const lines = createInterface({ input: child.stdout });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.on('line', (text) => {
        const found = line.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', (code) => reject(new Error(`the process ended with ${code}: ${log()}`)));
      timer = setTimeout(
        () => reject(new Error(`the process was not ready in four minutes: ${log()}`)),
        READY_MS,
      );
    });
  } catch (error) {
    await endProcess(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
