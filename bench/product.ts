import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../test/helpers/api.js';
import { until } from '../test/helpers/until.js';

export type Topology = 'all in one' | 'web + worker';

/** The product as real processes on free ports, limits out of the way of the load. */
export interface Product {
  url: string;
  adminKey: string;
  api: Api;
  dataDir: string;
  /** The first one answers HTTP. */
  processes: Process[];
  close(): Promise<void>;
}

export interface ProductOptions {
  topology?: Topology;
  /** Without it: embedded. */
  redisUrl?: string;
  workers?: number;
  env?: Record<string, string>;
  /** Of an earlier product, to start it again; left in place by `close`. */
  dataDir?: string;
  /** What runs as worker, when not the product's own. */
  workerModule?: string;
  /** For Node itself. */
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
      const module = options.workerModule ?? 'dist/app/worker.js';
      for (let index = 0; index < workers; index++) {
        const worker = new Process([module], env);
        processes.push(worker);
        await worker.says(/(taking jobs)/);
      }
    }
    const adminKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();
    return { url, adminKey, api: new Api(url, adminKey), dataDir, processes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A Node process of the benchmark's own. */
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

  /** Stands still until `thaw`: so a queue can be filled before anybody empties it. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** For one with so much in its queue that it would take its time to stop. */
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

/** Deploys and invokes once, so that what is measured is warm. Throws when either fails. */
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

/** Jobs not yet ended. */
export async function left(product: Product): Promise<number> {
  const { json } = await product.api.get('/v1/status');
  return json.queue.waiting + json.queue.running + json.queue.retrying;
}
