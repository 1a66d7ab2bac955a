import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endProcess } from './server-process.js';

/**
 * Far more than a start takes on a machine that is busy with much else: only so that a test ends.
 */
const READY_MS = 240_000;

/**
 * What the line of stdout says with which a process tells that it is ready. One that never does is
 * not left running.
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
