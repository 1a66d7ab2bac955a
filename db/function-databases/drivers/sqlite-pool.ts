import type { ChildProcess } from 'node:child_process';
import { FairQueue } from '../../../src/concurrency/fair-queue.js';
import type { Closable } from '../../../src/ports/closable.js';
import { type Child, type PendingStatement, rejectJob } from './sqlite-job.js';
import { lowerPriority, reasonOf, startChild } from './sqlite-process.js';
import type { ChildMessage, ChildReply, ChildRequest } from './sqlite-protocol.js';
import { RejectedRequest, type RejectionReason } from './sqlite-rejection.js';

export interface PoolLimits {
  /** The maximum number of children; each runs one request at a time. */
  children: number;
  /** The maximum number of children per file; reduced when few are idle, see `mayStart`. */
  perFile: number;
  /** A child that is idle for this long, in milliseconds, is ended, except the last one. */
  idleMs: number;
}

/** After a child could not be started, none is started for this long, in milliseconds. */
const RETRY_START_MS = 250;

/**
 * Child processes that run requests. Requests wait in the pool and not in a child: when a child is
 * killed for a request that exceeded its deadline, no other request is lost.
 */
export class SqlitePool implements Closable {
  readonly #limits: PoolLimits;
  readonly #children = new Set<Child>();
  /** By file. */
  readonly #waiting = new FairQueue<PendingStatement>();
  /** Set while no child is started, because the last start failed. */
  #retry: NodeJS.Timeout | null = null;
  #soon: NodeJS.Immediate | null = null;
  #closed = false;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
    // The first statement should not wait for a process to start.
    this.#start();
  }

  /**
   * Runs a request in a child. Resolves with its reply; rejects with RejectedRequest when the
   * deadline passes, the signal fires or the child ends.
   */
  run(request: ChildRequest, timeoutMs: number, signal?: AbortSignal): Promise<ChildReply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new RejectedRequest('closed'));
      if (signal?.aborted) return reject(new RejectedRequest('aborted'));

      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const job: PendingStatement = {
        request,
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (reason, details) => {
          settled();
          reject(new RejectedRequest(reason, details));
        },
      };
      const timer = setTimeout(() => this.#stop(job, 'deadline'), timeoutMs);
      const abort = () => this.#stop(job, 'aborted');
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(request.file, job);
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const job of this.#waiting.drain()) job.reject('closed');
    const exits = [...this.#children].map(
      (child) => new Promise<void>((resolve) => child.process.once('close', () => resolve())),
    );
    for (const child of this.#children) this.#end(child, 'closed');
    await Promise.all(exits);
  }

  /**
   * Assigns waiting jobs to idle children: first those of files with the fewest running jobs, and
   * of these in turn.
   */
  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const running = this.#runningByFile();
      const free = this.#limits.children - [...running.values()].reduce((sum, count) => sum + count, 0);
      const mine = (file: string) => running.get(file) ?? 0;
      let fewest = Number.POSITIVE_INFINITY;
      for (const file of this.#waiting.owners()) {
        if (mayStart(mine(file), free, this.#limits.perFile)) fewest = Math.min(fewest, mine(file));
      }
      const job = this.#waiting.take(({ request }) => mine(request.file) === fewest);
      if (job === null) break;
      const child = this.#idleChild(job.request.file);
      if (child === null) {
        this.#waiting.requeue(job.request.file, job);
        break;
      }
      this.#assign(child, job);
    }
    this.#keepSpare();
  }

  /**
   * Starts a spare child while several are busy, so that the next request does not wait for a
   * process to start.
   */
  #keepSpare(): void {
    const working = [...this.#children].filter(({ job }) => job !== null).length;
    const isNeeded = working > 1 && working === this.#children.size;
    if (isNeeded && working < this.#limits.children && !this.#closed) this.#start();
  }

  #runningByFile(): Map<string, number> {
    const running = new Map<string, number>();
    for (const { job } of this.#children) {
      if (job !== null) running.set(job.request.file, (running.get(job.request.file) ?? 0) + 1);
    }
    return running;
  }

  /** Returns an idle child, preferably one that has the file open; starts one if there is none. */
  #idleChild(file: string): Child | null {
    const idle = [...this.#children].filter(({ job }) => job === null);
    const known = idle.find((child) => child.file === file) ?? idle[0];
    if (known !== undefined) return known;
    return this.#children.size < this.#limits.children ? this.#start() : null;
  }

  #assign(child: Child, job: PendingStatement): void {
    if (child.idle !== null) clearTimeout(child.idle);
    child.idle = null;
    child.job = job;
    child.file = job.request.file;
    child.isCommitting = false;
    child.process.send(job.request, (error) => {
      // The child ended before it received the request, so the request can safely be run by another
      // child.
      if (error === null || child.job !== job) return;
      child.job = null;
      this.#waiting.requeue(job.request.file, job);
      this.#end(child, 'crashed');
      this.#dispatch();
    });
  }

  /** Starts a child; null when none can be started, for example because of a process limit. */
  #start(): Child | null {
    if (this.#retry !== null) return null;
    let started: ChildProcess;
    try {
      started = startChild();
    } catch (error) {
      // Node throws some errors (ENOMEM) and emits others (EAGAIN, EMFILE), in the next tick.
      process.nextTick(() => this.#onStartFailed(error));
      return null;
    }
    if (started.pid === undefined) {
      started.on('error', (error) => this.#onStartFailed(error));
      return null;
    }
    const child: Child = {
      process: started,
      job: null,
      file: null,
      isReady: false,
      isCommitting: false,
      isClosed: false,
      idle: null,
    };
    lowerPriority(started);
    this.#children.add(child);
    started.on('message', (message: ChildMessage) => {
      if (message.kind === 'ready') child.isReady = true;
      else if (message.kind === 'committing') child.isCommitting = true;
      else this.#settle(child, message);
    });
    started.on('error', () => this.#end(child, 'killed'));
    // Not 'exit', which may come before the last messages have been read.
    started.on('close', (_code, signal) => {
      child.isClosed = true;
      if (child.isReady || !this.#children.has(child)) {
        this.#end(child, reasonOf(signal));
        this.#dispatch();
      } else {
        const error = new Error('the process ended while it started');
        this.#end(child, 'unstarted', error);
        this.#onStartFailed(error);
      }
    });
    this.#rest(child);
    return child;
  }

  /**
   * Starts no child for a while. Statements wait for a running one; when there is none, they are
   * rejected.
   */
  #onStartFailed(error: unknown): void {
    if (this.#closed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#dispatch();
    }, RETRY_START_MS);
    this.#retry.unref();
    if (this.#children.size > 0) this.#dispatch();
    else for (const job of this.#waiting.drain()) job.reject('unstarted', { cause: error });
  }

  #settle(child: Child, reply: ChildReply): void {
    const { job } = child;
    child.job = null;
    job?.resolve(reply);
    // It was killed after it had sent the reply.
    if (!this.#children.has(child)) return;
    if (reply.isSpent) this.#end(child, 'closed');
    else this.#rest(child);
    this.#dispatch();
  }

  /**
   * Starts the timer after which an idle child is ended. Neither the child nor the timer keeps the
   * process alive.
   */
  #rest(child: Child): void {
    child.idle = setTimeout(() => {
      if (this.#children.size > 1 && child.job === null) this.#end(child, 'closed');
    }, this.#limits.idleMs);
    child.idle.unref();
  }

  /** Removes a waiting job, or ends the child of a running one. */
  #stop(job: PendingStatement, reason: RejectionReason): void {
    if (this.#waiting.remove(job.request.file, job)) {
      job.reject(reason);
      return;
    }
    const child = [...this.#children].find((one) => one.job === job);
    if (child !== undefined) this.#end(child, reason);
    this.#dispatchSoon();
  }

  /**
   * Assigns waiting jobs in a later turn: many jobs end at one deadline or signal, and each of them
   * would otherwise be given a new process by the one before it, to be ended in the same turn.
   */
  #dispatchSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = null;
      if (!this.#closed) this.#dispatch();
    });
  }

  #end(child: Child, reason: RejectionReason, cause?: unknown): void {
    if (!this.#children.delete(child)) return;
    if (child.idle !== null) clearTimeout(child.idle);
    child.process.kill('SIGKILL');
    rejectJob(child, reason, cause);
  }
}

/**
 * Returns whether a file with `mine` running children may use one more of the `free` ones: always
 * its first one, and further ones only while more children are free than it has. However many files
 * have requests, each gets a share: with 16 children, four files that want all of them get 13 in
 * total.
 */
export function mayStart(mine: number, free: number, perFile: number): boolean {
  return free > 0 && mine < perFile && (mine === 0 || mine < free);
}
