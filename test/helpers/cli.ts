import { spawn } from 'node:child_process';

const CLI = 'dist/app/orama.js';

export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /**
   * Home directory, in which the CLI looks for its configuration. Settings of the machine are not
   * inherited.
   */
  home: string;
  env?: Record<string, string>;
  /** Content of stdin; empty by default. */
  stdin?: string;
  cwd?: string;
}

/** Runs `orama` in a child process without a terminal. */
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
    // The command may exit without reading its input.
  });
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Returns `orama` with these options, which resolves with its stdout and rejects when it fails. */
export function successfulCli(options: CliOptions): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const { code, stdout, stderr } = await runCli(args, options);
    if (code !== 0) throw new Error(`orama ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
}

/** Compilers use the real home directory for their caches and settings. */
function toolHomes(): Record<string, string> {
  const home = process.env.HOME ?? '';
  return {
    GOPATH: process.env.GOPATH ?? `${home}/go`,
    GOCACHE: process.env.GOCACHE ?? `${home}/.cache/go-build`,
    CARGO_HOME: process.env.CARGO_HOME ?? `${home}/.cargo`,
    RUSTUP_HOME: process.env.RUSTUP_HOME ?? `${home}/.rustup`,
  };
}
