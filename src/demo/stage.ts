import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { toolEnvironment } from '../cli/config.js';
import { packagePath } from '../cli/package.js';
import { AppError } from '../errors.js';

const CLI = fileURLToPath(new URL('../../app/orama.js', import.meta.url));

/** A directory, an engine and a command line that leave nothing behind. */
export interface Stage {
  /** Starts `orama up`. Resolves with its address once it listens. */
  startEngine(): Promise<string>;
  /** Runs `orama …` and returns its stdout. Throws what it said on stderr when it fails. */
  orama(...args: string[]): Promise<string>;
  /** Runs `orama …` on the terminal of whoever watches, with its tables and colours. */
  perform(...args: string[]): Promise<void>;
  /** Stops whatever runs and removes the directory. */
  close(): Promise<void>;
}

export function createStage(): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'orama-demo-'));
  // The examples refer to ../../sdk, and building them writes beside them.
  cpSync(packagePath('examples'), join(directory, 'examples'), { recursive: true });
  cpSync(packagePath('sdk'), join(directory, 'sdk'), { recursive: true });
  const running = new Set<ChildProcess>();
  let closing: Promise<void> | undefined;

  function start(args: readonly string[], output: 'pipe' | 'inherit' = 'pipe'): ChildProcess {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: directory,
      // The engine is found by its .orama in this directory, whatever this machine is set up for
      // otherwise.
      env: { ...toolEnvironment(withoutOurs()), XDG_CONFIG_HOME: directory, XDG_STATE_HOME: directory },
      stdio: ['ignore', output, output],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  return {
    async startEngine() {
      const engine = start(['up', '--port', '0']);
      return Promise.race([listening(engine), failed(engine, 'orama up')]);
    },

    async orama(...args) {
      const child = start(args);
      const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
      const [code] = await once(child, 'close');
      if (code !== 0) throw new AppError('internal', `orama ${args.join(' ')}: ${stderr()}`);
      return stdout().trimEnd();
    },

    async perform(...args) {
      const [code] = await once(start(args, 'inherit'), 'close');
      if (code !== 0) throw new AppError('internal', `orama ${args.join(' ')} ended with ${code}`);
    },

    close() {
      closing ??= (async () => {
        const ends = [...running].map((child) => once(child, 'exit'));
        for (const child of running) child.kill('SIGTERM');
        await Promise.all(ends);
        rmSync(directory, { recursive: true, force: true });
      })();
      return closing;
    },
  };
}

/** The demonstration shows the defaults: settings of this machine stay outside. */
function withoutOurs(): Record<string, string> {
  const ours = /^(ORAMA_|REDIS_URL|RQLITE_URL|FUNCTION_DB_|IPFS_API_URL|OLRIC_URL|PORT$|HOST$)/;
  const names = Object.keys(toolEnvironment({})).filter((name) => ours.test(name));
  return { ...Object.fromEntries(names.map((name) => [name, ''])), LOG_LEVEL: 'error' };
}

async function listening(engine: ChildProcess): Promise<string> {
  if (engine.stdout === null) throw new AppError('internal', 'The engine has no stdout');
  for await (const line of createInterface({ input: engine.stdout })) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  // It ended without a word here; `failed` has the reason.
  return new Promise(() => {});
}

async function failed(child: ChildProcess, what: string): Promise<never> {
  const stderr = collected(child.stderr);
  const [code] = await once(child, 'close');
  throw new AppError('internal', `${what} ended with ${code}: ${stderr()}`);
}

function collected(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return () => text;
}
