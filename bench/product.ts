import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../test/helpers/api.js';
import { until } from '../test/helpers/until.js';

export type Topology = 'all in one' | 'web + worker';

/** The product as real processes on free ports, with limits that the load does not reach. */
export interface Product {
  url: string;
  adminKey: string;
  api: Api;
  dataDir: string;
  /** The first process serves HTTP. */
  processes: Process[];
  /**
   * Stops the workers and starts a single new one, without compiled code. Runs `between` before the
   * start.
   */
  restartWorker(between: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export interface ProductOptions {
  topology?: Topology;
  /** Embedded without it. */
  redisUrl?: string;
  workers?: number;
  env?: Record<string, string>;
  /** The data directory of an earlier product, to start it again; `close` does not remove it. */
  dataDir?: string;
  /** The module of the worker process, instead of the product's own. */
  workerModule?: string;
  /** Arguments for Node. */
  nodeArgs?: readonly string[];
}

const NO_LIMITS = {
  RATE_LIMIT_PER_MINUTE: '1000000000',
  QUEUE_MAX_WAITING: '10000000',
  QUEUE_MAX_MB: '1000000',
  LOG_LEVEL: 'error',
};

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { topology = 'all in one', redisUrl, workers = 1 } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'orama-bench-')));
  const env = {
    ...NO_LIMITS,
    PORT: '0',
    ORAMA_DATA_DIR: dataDir,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    ...options.env,
  };
  const processes: Process[] = [];
  const close = async () => {
    for (const each of processes) await each.stop();
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const startWorker = async (module = options.workerModule ?? 'dist/app/worker.js') => {
    const worker = new Process([module], env);
    processes.push(worker);
    await worker.says(/(taking jobs)/);
  };
  const restartWorker = async (between: () => Promise<void>) => {
    for (const worker of processes.splice(1)) await worker.stop();
    await between();
    await startWorker();
  };
  try {
    let url: string;
    if (topology === 'all in one') {
      const up = new Process(
        [...(options.nodeArgs ?? []), 'dist/app/orama.js', 'up', '--port', '0', '--data', dataDir],
        env,
      );
      processes.push(up);
      url = await up.says(/listening on (http\S+)/);
    } else {
      await new Process(['dist/app/main.js', 'release'], env).ended();
      const web = new Process(['dist/app/main.js', 'web'], env);
      processes.push(web);
      url = await web.says(/listening on (http\S+)/);
      for (let index = 0; index < workers; index++) await startWorker();
    }
    const adminKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
    return { url, adminKey, api: new Api(url, adminKey), dataDir, processes, restartWorker, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A Node process started by the benchmark. */
export class Process {
  readonly #child: ChildProcess;
  #out = '';

  constructor(args: readonly string[], env: Record<string, string>) {
    this.#child = spawn(process.execPath, [...args], {
      env: { PATH: process.env.PATH, HOME: tmpdir(), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      this.#out += part;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  says(pattern: RegExp): Promise<string> {
    return until(`a process says ${pattern}`, async () => {
      if (this.#child.exitCode !== null) throw new Error(`a process ended with ${this.#child.exitCode}`);
      return pattern.exec(this.#out)?.[1];
    });
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  /** Suspends the process until `thaw`, so that a queue can be filled before it is drained. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Kills the process; for one with a queue so long that stopping would take a while. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    await this.ended();
  }
}

/** Deploys a function. Throws when the deploy fails. */
export async function deploy(
  product: Product,
  name: string,
  wasm: Uint8Array,
  metadata: Record<string, unknown> = {},
): Promise<void> {
  const reply = await product.api.deploy(name, wasm, { metadata: JSON.stringify(metadata) });
  if (reply.status !== 201) throw new Error(`deploy of ${name}: ${reply.status} ${reply.text}`);
}

export async function invokeOnce(product: Product, name: string, input: string): Promise<number> {
  const began = performance.now();
  const reply = await product.api.invoke(name, input);
  if (reply.status !== 200) throw new Error(`invoke of ${name}: ${reply.status} ${reply.text}`);
  return performance.now() - began;
}

/** Resolves with the number of jobs that have not ended. */
export async function left(product: Product): Promise<number> {
  const { json } = await product.api.get('/v1/status');
  return json.queue.waiting + json.queue.running + json.queue.retrying;
}
