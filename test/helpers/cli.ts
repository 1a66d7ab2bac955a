import { spawn } from 'node:child_process';

const CLI = 'dist/app/orama.js';

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** Its home, where it looks for its config file; nothing of the machine's own reaches it. */
  home: string;
  env?: Record<string, string>;
  /** Bytes on stdin; without them stdin is at its end. */
  stdin?: string;
  cwd?: string;
}

/** Runs `orama` as a script does: a process of its own, no terminal. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliRun> {
  const child = spawn(process.execPath, [`${process.cwd()}/${CLI}`, ...args], {
    cwd: options.cwd ?? options.home,
    env: { PATH: process.env.PATH, HOME: options.home, ...toolHomes(), ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    stdout += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  child.stdin.on('error', () => {
    // The command may end without reading its input.
  });
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Compilers keep their caches and settings in the real home. */
function toolHomes(): Record<string, string> {
  const home = process.env.HOME ?? '';
  return {
    GOPATH: process.env.GOPATH ?? `${home}/go`,
    GOCACHE: process.env.GOCACHE ?? `${home}/.cache/go-build`,
    CARGO_HOME: process.env.CARGO_HOME ?? `${home}/.cargo`,
    RUSTUP_HOME: process.env.RUSTUP_HOME ?? `${home}/.rustup`,
  };
}
