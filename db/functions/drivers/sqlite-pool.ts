import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Closable } from '../../../src/ports/closable.js';
import type { ChildReply, ChildRequest } from './sqlite-protocol.js';

export interface PoolLimits {
  /** Children at most; each runs one request at a time. */
  children: number;
  /** Of them, at most this many for one file, so that one function's endless queries leave some to the others. */
  perFile: number;
  /** A child that has had nothing to do for this long is ended, but for the last. */
  idleMs: number;
}

/** Why a request has no reply. */
export type Loss = 'deadline' | 'aborted' | 'crashed' | 'killed' | 'closed';

export class LostRequest extends Error {
  readonly loss: Loss;

  constructor(loss: Loss) {
    super(loss);
    this.loss = loss;
  }
}

interface Job {
  request: ChildRequest;
  resolve(reply: ChildReply): void;
  /** Idempotent; also frees the timer and the listener. */
  lose(loss: Loss): void;
}

interface Child {
  process: ChildProcess;
  job: Job | null;
  /** The file it has served last, and so has open. */
  file: string | null;
  idle: NodeJS.Timeout | null;
}

/**
 * Child processes that run requests. What waits, waits here and not in a child: when a child is killed for
 * a request that passed its deadline, no other request is lost with it.
 */
export class SqlitePool implements Closable {
  readonly #limits: PoolLimits;
  readonly #children = new Set<Child>();
  #waiting: Job[] = [];
  #closed = false;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
    // The first statement should not wait for a process to start.
    this.#start();
  }

  run(request: ChildRequest, timeoutMs: number, signal?: AbortSignal): Promise<ChildReply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new LostRequest('closed'));
      if (signal?.aborted) return reject(new LostRequest('aborted'));

      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const job: Job = {
        request,
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        lose: (loss) => {
          settled();
          reject(new LostRequest(loss));
        },
      };
      const timer = setTimeout(() => this.#stop(job, 'deadline'), timeoutMs);
      const abort = () => this.#stop(job, 'aborted');
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(job);
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting) job.lose('closed');
    this.#waiting = [];
    const gone = [...this.#children].map(
      (child) => new Promise<void>((resolve) => child.process.once('exit', () => resolve())),
    );
    for (const child of this.#children) this.#end(child, 'closed');
    await Promise.all(gone);
  }

  /** Gives waiting jobs to idle children, in order, passing over those whose file has its share. */
  #dispatch(): void {
    const left: Job[] = [];
    for (const job of this.#waiting) {
      const child = this.#hasShare(job.request.file) ? null : this.#idleChild(job.request.file);
      if (child === null) left.push(job);
      else this.#assign(child, job);
    }
    this.#waiting = left;
  }

  #hasShare(file: string): boolean {
    let running = 0;
    for (const { job } of this.#children) if (job?.request.file === file) running += 1;
    return running >= this.#limits.perFile;
  }

  /** One that has the file open, else any, else a new one. */
  #idleChild(file: string): Child | null {
    const idle = [...this.#children].filter(({ job }) => job === null);
    const known = idle.find((child) => child.file === file) ?? idle[0];
    if (known !== undefined) return known;
    return this.#children.size < this.#limits.children ? this.#start() : null;
  }

  #assign(child: Child, job: Job): void {
    if (child.idle !== null) clearTimeout(child.idle);
    child.idle = null;
    child.job = job;
    child.file = job.request.file;
    child.process.send(job.request, (error) => {
      // It died before it could take the request: nothing has run, so another may.
      if (error === null || child.job !== job) return;
      child.job = null;
      this.#waiting.unshift(job);
      this.#end(child, 'crashed');
      this.#dispatch();
    });
  }

  #start(): Child {
    const script = fileURLToPath(new URL('./sqlite-child.js', import.meta.url));
    const child: Child = {
      process: fork(script, [String(process.pid)], {
        // Nothing of the engine's environment: no key, no URL with a password.
        env: {},
        execArgv: [],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
      job: null,
      file: null,
      idle: null,
    };
    this.#children.add(child);
    child.process.on('message', (reply: ChildReply) => this.#settle(child, reply));
    child.process.on('error', () => this.#end(child, 'killed'));
    child.process.on('exit', (_code, signal) => {
      // SQLite's native code aborts on what it cannot stand; anything else came from outside.
      this.#end(child, signal === 'SIGABRT' || signal === 'SIGSEGV' ? 'crashed' : 'killed');
      this.#dispatch();
    });
    this.#rest(child);
    return child;
  }

  #settle(child: Child, reply: ChildReply): void {
    const { job } = child;
    child.job = null;
    job?.resolve(reply);
    if (reply.kind === 'failed' && reply.spent) this.#end(child, 'closed');
    else this.#rest(child);
    this.#dispatch();
  }

  /** Starts the time after which an idle child is ended. Neither it nor the timer keeps the engine alive. */
  #rest(child: Child): void {
    child.idle = setTimeout(() => {
      if (this.#children.size > 1 && child.job === null) this.#end(child, 'closed');
    }, this.#limits.idleMs);
    child.idle.unref();
  }

  /** A waiting job is forgotten; a running one takes its child with it. */
  #stop(job: Job, loss: Loss): void {
    this.#waiting = this.#waiting.filter((one) => one !== job);
    const child = [...this.#children].find((one) => one.job === job);
    job.lose(loss);
    if (child !== undefined) this.#end(child, loss);
    this.#dispatch();
  }

  #end(child: Child, loss: Loss): void {
    if (!this.#children.delete(child)) return;
    if (child.idle !== null) clearTimeout(child.idle);
    child.job?.lose(loss);
    child.job = null;
    child.process.kill('SIGKILL');
  }
}
