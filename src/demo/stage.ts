import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { toolEnvironment } from '../cli/config.js';
import { AppError } from '../errors.js';
import { packagePath } from '../package.js';

const CLI = fileURLToPath(new URL('../../app/orama.js', import.meta.url));

/** A temporary directory with an engine and a CLI, all removed at the end. */
export interface Stage {
  /** Starts `orama up`. Resolves with its URL once it listens. */
  startEngine(): Promise<string>;
  /** Runs `orama …` and resolves with its stdout. Rejects with its stderr if the command fails. */
  orama(...args: string[]): Promise<string>;
  /** Runs `orama …` on the user's terminal, with its tables and colours. */
  perform(...args: string[]): Promise<void>;
  /** Stops all running processes and removes the directory. */
  close(): Promise<void>;
}

export function openStage(): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'orama-demo-'));
  // The examples refer to ../../sdk, and building them writes files beside them.
  cpSync(packagePath('examples'), join(directory, 'examples'), { recursive: true });
  cpSync(packagePath('sdk'), join(directory, 'sdk'), { recursive: true });
  const running = new Set<ChildProcess>();
  let closing: Promise<void> | undefined;

  function start(args: readonly string[], output: 'pipe' | 'inherit' = 'pipe'): ChildProcess {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: directory,
      // The CLI finds the engine through the .orama in this directory, regardless of the user's
      // configuration.
      env: {
        ...toolEnvironment(withoutEngineSettings()),
        XDG_CONFIG_HOME: directory,
        XDG_STATE_HOME: directory,
      },
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

/**
 * Returns the environment without the engine's settings of this machine, since the demo shows the
 * defaults.
 */
function withoutEngineSettings(): Record<string, string> {
  const engineSettings = /^(ORAMA_|REDIS_URL|RQLITE_URL|FUNCTION_DB_|IPFS_API_URL|OLRIC_URL|PORT$|HOST$)/;
  const names = Object.keys(toolEnvironment({})).filter((name) => engineSettings.test(name));
  return { ...Object.fromEntries(names.map((name) => [name, ''])), LOG_LEVEL: 'error' };
}

async function listening(engine: ChildProcess): Promise<string> {
  if (engine.stdout === null) throw new AppError('internal', 'The engine has no stdout');
  for await (const line of createInterface({ input: engine.stdout })) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  // The process ended without printing its URL; `failed` reports the reason.
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
