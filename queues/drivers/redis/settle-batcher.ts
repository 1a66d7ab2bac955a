import {
  type BackendFactory,
  createIORedisClient,
  createRedisBackend,
  type RedisClient,
  type RedisQueueBackend,
  raw2NextJobData,
} from 'bullmq';
import { bullFunction } from './bull-scripts.js';
import type { RedisConnection } from './connect.js';

/** More in one command would hold Redis up for everybody else. */
const MAX_AT_ONCE = 32;
/** Of BullMQ's script: how many keys it has, and how many arguments. */
const KEYS = 14;
const ARGUMENTS = 9;

/**
 * Runs BullMQ's own script once for each job, with the same keys and arguments but for the job's id
 * and its lock's token. KEYS and the first nine of ARGV: BullMQ's, for any of the jobs; then of
 * each its id and its token. Returns two values for each: 1 and what the script returned, or 0 and
 * what went wrong with this one.
 */
const settleScript = (moveToFinished: string): string => `
local moveToFinished = ${moveToFinished}
local options = cmsgpack.unpack(ARGV[8])
local answer = {}
for at = ${ARGUMENTS + 1}, #ARGV, 2 do
  KEYS[12] = ARGV[7] .. ARGV[at]
  options.token = ARGV[at + 1]
  local ok, result = pcall(moveToFinished, KEYS, {
    ARGV[at], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], cmsgpack.pack(options), ARGV[9]
  })
  answer[#answer + 1] = ok and 1 or 0
  answer[#answer + 1] = ok and result or (type(result) == 'table' and result.err or tostring(result))
end
return answer
`;

type Completion = Parameters<RedisQueueBackend['moveToCompleted']>;

interface Settlement {
  backend: RedisQueueBackend;
  job: Completion[0];
  keep: Completion[2];
  token: Completion[3];
  fetchNext: Completion[4];
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Settlements that can go in one command. */
type Group = [Settlement, ...Settlement[]];

function areAlike(one: Settlement, other: Settlement): boolean {
  return one.backend === other.backend && one.keep === other.keep && one.fetchNext === other.fetchNext;
}

/**
 * Moves jobs that end on from where they are. BullMQ does that with a command for each, which also
 * fetches the next one; they end in bursts, as their log rows are written together, and those of
 * one time of the event loop go in one command here: a tenth less for this process's main thread, a
 * twentieth for Redis.
 */
export class SettleBatcher {
  readonly #client: RedisClient;
  #waiting: Settlement[] = [];

  /**
   * `known` is a connection on which BullMQ has defined its scripts, `connection` the one that
   * workers use.
   */
  constructor(connection: RedisConnection, known: RedisConnection) {
    this.#client = createIORedisClient(connection);
    connection.defineCommand('oramaSettle', {
      numberOfKeys: KEYS,
      lua: settleScript(bullFunction(known, 'moveToFinished')),
    });
  }

  /** Makes the backend of a worker: BullMQ's own, but for how its jobs leave. */
  readonly createBackend: BackendFactory<RedisQueueBackend> = (name, options, kind) => {
    const backend = createRedisBackend(name, options, kind);
    const moveToCompleted = backend.moveToCompleted.bind(backend);
    backend.moveToCompleted = async (...completion: Completion) => {
      const [job, value, keep, token, fetchNext] = completion;
      // None of our jobs returns anything. What one returned would have to go with it.
      if (value !== undefined) return moveToCompleted(...completion);
      const answer = await new Promise<unknown>((resolve, reject) => {
        this.#settle({ backend, job, keep, token, fetchNext, resolve, reject });
      });
      if (typeof answer === 'number' && answer < 0) {
        const what = { code: answer, jobId: job.id ?? '', command: 'moveToFinished', state: 'active' };
        throw backend.finishedErrors(what);
      }
      return { result: raw2NextJobData(answer as unknown[]), finishedOn: Date.now() };
    };
    return backend;
  };

  #settle(settlement: Settlement): void {
    this.#waiting.push(settlement);
    // Runs when all that is ready in this time has run, promises included.
    if (this.#waiting.length === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const groups: Group[] = [];
    for (const each of this.#waiting) {
      const group = groups.find((some) => some.length < MAX_AT_ONCE && areAlike(some[0], each));
      if (group === undefined) groups.push([each]);
      else group.push(each);
    }
    this.#waiting = [];
    for (const group of groups) void this.#send(group);
  }

  async #send(group: Group): Promise<void> {
    const [{ backend, job, keep, token, fetchNext }] = group;
    const args = backend.moveToCompletedArgs(job, undefined, keep, token, fetchNext);
    args[KEYS + ARGUMENTS - 1] ??= '';
    for (const each of group) args.push(each.job.id ?? '', each.token);
    try {
      const answer = await this.#client.runCommand('oramaSettle', args);
      group.forEach(({ resolve, reject }, index) => {
        const result = answer[2 * index + 1];
        if (answer[2 * index] === 1) resolve(result);
        else reject(new Error(String(result)));
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
