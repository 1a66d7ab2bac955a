import { availableParallelism } from 'node:os';
import {
  type BackendFactory,
  type Processor,
  type RedisClient,
  type RedisQueueBackend,
  raw2NextJobData,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { type Marker, MarkerWait, NOW } from './marker-wait.js';

/** More in one command would hold Redis up for everybody else. */
const MAX_AT_ONCE = 32;
const CORES = availableParallelism();

/** What Redis answered for a token: a job, or that there was none. */
interface Taken {
  token: string;
  answer: unknown;
}

/**
 * Runs on Redis what takes a job for each token, until there is none: what it answered for them, or
 * for the first of them.
 */
export type Fetch = (tokens: readonly string[]) => Promise<readonly unknown[]>;

/** A worker as those see it who add jobs. */
export interface JobFetcher {
  readonly lockMs: number;
  /** Has room for so many jobs or fewer, none at the least. What `take` throws is thrown. */
  take(most: number, take: Fetch): Promise<void>;
  once(event: 'closing', listener: () => void): unknown;
}

/**
 * BullMQ's worker, but for how it comes by its jobs. BullMQ's takes one a round trip, and begins
 * none of them before it is full or one came back without; this one takes them together. And it
 * takes jobs in the command by which its own process adds them: such a job is with its worker as
 * soon as it is accepted.
 *
 * While jobs are slow it takes as many at a time as there are cores, and leaves the others to other
 * processes.
 */
export class BatchFetcher<D> extends Worker<D, void> implements JobFetcher {
  readonly #marker: MarkerWait;
  /** Not yet asked for by BullMQ. */
  readonly #taken: Taken[] = [];
  /** By token, what BullMQ is about to hear. */
  readonly #answers = new Map<string, unknown>();
  /** Tokens of the jobs that are worked on. The job that follows one comes under the same. */
  readonly #working = new Set<string>();
  /** Jobs that BullMQ has, or is asking for, and does not work on yet. */
  #between = 0;
  #reserved = 0;
  #tokens = 0;
  /** The marker was given to this worker, which has not looked for a job since. */
  #owesLook = false;
  /** What has to be over before this is closed. */
  readonly #open = new Set<Promise<void>>();

  constructor(
    queue: string,
    processor: Processor<D, void>,
    options: WorkerOptions,
    createBackend: BackendFactory<RedisQueueBackend>,
  ) {
    super(queue, processor, options, createBackend);
    const backend = this.getBackend();
    const { moveToActive, waitForJob } = backend;
    backend.moveToActive = async (token, name) => {
      const known = this.#answers.get(token);
      if (this.#answers.delete(token)) return raw2NextJobData(known as unknown[]);
      // For this call alone, as others may be on their way.
      const execCommand = (client: RedisClient, _command: string, args: unknown[]) =>
        this.#takeWith(token, (tokens) => client.runCommand('oramaTake', [...args, ...tokens]));
      return moveToActive.call(Object.create(backend, { execCommand: { value: execCommand } }), token, name);
    };
    this.#marker = new MarkerWait(
      (seconds) => waitForJob.call(backend, seconds),
      (marker) => this.#hold(this.#putMarkerBack(marker)),
    );
    backend.waitForJob = async (seconds) => {
      if (this.#taken.length > 0) return NOW;
      const marker = await this.#marker.wait(seconds);
      this.#owesLook = marker !== null && marker !== NOW && marker.member === NOW.member;
      return marker;
    };
    this.once('closing', () => this.#giveBack(0));
  }

  get lockMs(): number {
    return this.opts.lockDuration ?? 0;
  }

  async take(most: number, take: Fetch): Promise<void> {
    const room = this.#isQuick ? this.#room : Math.min(this.#room, CORES - this.#inHand);
    await this.#reserve(Math.min(most, room), take);
  }

  override async processJob(...args: Parameters<Worker<D, void>['processJob']>) {
    const [, token] = args;
    if (!this.#working.has(token)) this.#between--;
    this.#working.add(token);
    let next: Awaited<ReturnType<Worker<D, void>['processJob']>> | undefined;
    try {
      next = await super.processJob(...args);
      return next;
    } finally {
      if (!next) this.#working.delete(token);
    }
  }

  override async close(force?: boolean): Promise<void> {
    await super.close(force);
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  protected override async moveToActive(token: string, name?: string) {
    // A job that was put back is followed by another one in its place.
    if (this.#working.has(token)) return super.moveToActive(token, name);
    // What is on its way may fill the room that BullMQ sees.
    while (this.#taken.length === 0 && this.#reserved > 0 && this.#inHand >= this.concurrency) {
      await Promise.race(this.#open);
    }
    const taken = this.#taken.shift();
    if (taken !== undefined && this.#owesLook) this.#hold(this.#putMarkerBack(NOW));
    this.#owesLook = false;
    if (taken !== undefined) this.#answers.set(taken.token, taken.answer);
    this.#between++;
    let job: Awaited<ReturnType<Worker<D, void>['moveToActive']>> | undefined;
    try {
      job = await super.moveToActive(taken?.token ?? token, name);
      return job;
    } finally {
      if (!job) this.#between--;
    }
  }

  get #inHand(): number {
    return this.#working.size + this.#between + this.#reserved + this.#taken.length;
  }

  get #room(): number {
    return this.closing === undefined ? this.concurrency - this.#inHand : 0;
  }

  /** It has been told to take more than it was made for: see prefetch.ts. */
  get #isQuick(): boolean {
    return this.concurrency > (this.opts.concurrency ?? 1);
  }

  /** Takes a job for this token, which is returned, and for further ones. */
  async #takeWith(token: string, take: Fetch): Promise<unknown> {
    const most = (this.#isQuick ? MAX_AT_ONCE : CORES) - 1;
    let answer: unknown;
    await this.#reserve(this.#working.has(token) ? 0 : Math.min(most, this.#room), async (tokens) => {
      const [first, ...others] = await take(tokens);
      answer = first;
      return others;
    });
    return answer;
  }

  #reserve(count: number, take: Fetch): Promise<void> {
    const tokens = Array.from({ length: Math.max(0, count) }, () => `${this.id}:taken:${this.#tokens++}`);
    this.#reserved += tokens.length;
    const taking = take(tokens)
      .then((answers) => this.#keep(tokens, answers))
      .finally(() => {
        this.#reserved -= tokens.length;
      });
    this.#hold(taking);
    return taking;
  }

  #keep(tokens: readonly string[], answers: readonly unknown[]): void {
    if (answers.length === 0) return;
    // That there was none is no longer so.
    if (jobIn(this.#taken.at(-1)?.answer) === null) this.#taken.pop();
    for (const [index, answer] of answers.entries()) this.#taken.push({ token: tokens[index] ?? '', answer });
    // Meanwhile it may have been told to close, and asks for no more, or to take fewer, and would
    // not come to them for long.
    this.#giveBack(this.closing === undefined ? this.concurrency - this.#working.size - this.#between : 0);
    if (this.#taken.length > 0) this.#marker.end();
  }

  /** All of what was taken but so many. */
  #giveBack(kept: number): void {
    for (const { token, answer } of this.#taken.splice(Math.max(0, kept))) {
      const id = jobIn(answer);
      if (id !== null) this.#hold(this.#giveJobBack(id, token));
    }
  }

  async #giveJobBack(id: string, token: string): Promise<void> {
    try {
      await this.getBackend().moveJobFromActiveToWait(id, token);
      // BullMQ has nobody look for it.
      await this.#putMarkerBack(NOW);
    } catch (error) {
      this.emit('error', error as Error);
    }
  }

  async #putMarkerBack({ member, score }: Marker): Promise<void> {
    const backend = this.getBackend();
    const client = await backend.client;
    await client.runCommand('zadd', [backend.keys.marker, score, member]);
  }

  /** To be waited for before this is closed, however it ends. */
  #hold(work: Promise<void>): void {
    const held = work.catch(() => {}).finally(() => this.#open.delete(held));
    this.#open.add(held);
  }
}

/** The id of the job that BullMQ's script has returned, null when there was none. */
function jobIn(answer: unknown): string | null {
  return Array.isArray(answer) && answer[0] !== 0 ? String(answer[1]) : null;
}
