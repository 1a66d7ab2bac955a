import {
  type BackendFactory,
  createIORedisClient,
  createRedisBackend,
  type RedisClient,
  type RedisQueueBackend,
} from 'bullmq';
import { bullFunction } from './bull-scripts.js';
import type { RedisConnection } from './connect.js';

/** More in one command would hold Redis up for everybody else. */
const MAX_AT_ONCE = 32;
/** Of BullMQ's script: how many keys it has, and where among all that it is given the time is. */
const KEYS = 14;
const TIME = KEYS + 1;
/** What is the same for all jobs of a command: property, target, fetch next, prefix, fields to update. They also share the time. */
const SHARED = [2, 4, 5, 6, 8].map((argument) => KEYS + argument);
/** What is of each job by itself: id, value, options. */
const OF_EACH = [0, 3, 7].map((argument) => KEYS + argument);

/**
 * Runs BullMQ's own script once for each job, with the same keys but for the job's.
 * KEYS: those of the first job. ARGV: time, what is shared, then of each job what is its own.
 * Returns two values for each: 1 and what the script returned, or 0 and what went wrong with this one.
 */
const settleScript = (moveToFinished: string): string => `
local moveToFinished = ${moveToFinished}
local answer = {}
for at = ${SHARED.length + 2}, #ARGV, ${OF_EACH.length} do
  KEYS[12] = ARGV[5] .. ARGV[at]
  local ok, result = pcall(moveToFinished, KEYS, {
    ARGV[at], ARGV[1], ARGV[2], ARGV[at + 1], ARGV[3], ARGV[4], ARGV[5], ARGV[at + 2], ARGV[6]
  })
  answer[#answer + 1] = ok and 1 or 0
  answer[#answer + 1] = ok and result or (type(result) == 'table' and result.err or tostring(result))
end
return answer
`;

interface Settlement {
  args: readonly unknown[];
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Settlements that can go in one command. */
type Group = [Settlement, ...Settlement[]];

function areAlike(one: Settlement, other: Settlement): boolean {
  return SHARED.every((at) => one.args[at] === other.args[at]);
}

/**
 * Moves jobs that end on from where they are. BullMQ does that with a command for each, which also fetches the next one; they end in
 * bursts, as their log rows are written together, and those of one turn of the event loop go in one command here: a tenth less for
 * this process's main thread, a twentieth for Redis.
 */
export class Settling {
  readonly #client: RedisClient;
  #waiting: Settlement[] = [];

  /** `known` is a connection on which BullMQ has defined its scripts, `connection` the one that workers use. */
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
    const execCommand = backend.execCommand.bind(backend);
    backend.execCommand = (client, command, args) =>
      command === 'moveToFinished' ? this.#settle(args) : execCommand(client, command, args);
    return backend;
  };

  #settle(args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ args, resolve, reject });
      // Runs when all that is ready in this turn has run, promises included.
      if (this.#waiting.length === 1) process.nextTick(() => this.#flush());
    });
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
    const first = group[0].args;
    const args = first.slice(0, KEYS);
    args.push(group.at(-1)?.args[TIME]);
    for (const at of SHARED) args.push(first[at] ?? '');
    for (const each of group) for (const at of OF_EACH) args.push(each.args[at]);
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
