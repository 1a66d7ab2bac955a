import { type ChildProcess, fork } from 'node:child_process';
import { endProcess } from './server-process.js';

/** A child process that runs a compiled module and communicates with the test over IPC. */
export interface Child {
  readonly process: ChildProcess;
  readonly messages: unknown[];
  kill(signal?: NodeJS.Signals): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export function startChild(module: URL, args: readonly string[]): Child {
  const process = fork(module, [...args], { stdio: 'inherit' });
  const messages: unknown[] = [];
  process.on('message', (message) => messages.push(message));
  return {
    process,
    messages,
    kill: (signal) => endProcess(process, signal),
    freeze: () => void process.kill('SIGSTOP'),
    thaw: () => void process.kill('SIGCONT'),
  };
}
