import { once } from 'node:events';
import { Cluster, Redis } from 'ioredis';
import { AppError } from '../../../src/errors.js';

export type RedisConnection = Redis | Cluster;

/** Commands whose caller waits for the answer are given up after this, and the caller is told. */
export const COMMAND_TIMEOUT_MS = 2000;
const FIRST_CONTACT_MS = 5000;

const RETRY = (times: number): number => Math.min(100 * times, 1000);

/**
 * For commands that a caller waits for. Fails at once while Redis is away: a command kept here and
 * sent later, after the caller was told that nothing was accepted, would be a ghost.
 */
const COMMANDS = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  maxRetriesPerRequest: null,
  retryStrategy: RETRY,
};

/**
 * For BullMQ's workers and subscriptions: they wait for Redis to come back and go on by themselves.
 */
const PATIENT = { maxRetriesPerRequest: null, retryStrategy: RETRY };

/** Makes connections to the one Redis, Valkey or Redis Cluster of a URL. */
export class RedisServer {
  readonly #url: string;
  readonly #isCluster: boolean;

  private constructor(url: string, isCluster: boolean) {
    this.#url = url;
    this.#isCluster = isCluster;
  }

  /** Throws `bad_config` when nothing answers there: that is a wrong setting, not an outage. */
  static async reach(url: string): Promise<RedisServer> {
    const probe = new Redis(url, {
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: FIRST_CONTACT_MS,
      commandTimeout: FIRST_CONTACT_MS,
    });
    // The reason is in the rejection of connect(); without a listener ioredis prints it.
    probe.on('error', () => {});
    try {
      await probe.connect();
      const info = await probe.info('cluster');
      return new RedisServer(url, info.includes('cluster_enabled:1'));
    } catch (error) {
      throw new AppError(
        'bad_config',
        `REDIS_URL names ${hostOf(url)}, where no Redis answers; start it there or correct the URL.`,
        { cause: error },
      );
    } finally {
      probe.disconnect();
    }
  }

  commands(): RedisConnection {
    return this.#open(COMMANDS);
  }

  patient(): RedisConnection {
    return this.#open(PATIENT);
  }

  #open(options: typeof COMMANDS | typeof PATIENT): RedisConnection {
    if (!this.#isCluster) return writingTogether(new Redis(this.#url, options));
    const { hostname, port, username, password, protocol } = new URL(this.#url);
    const cluster = new Cluster([{ host: hostname, port: Number(port || 6379) }], {
      enableOfflineQueue: !('enableOfflineQueue' in options),
      clusterRetryStrategy: RETRY,
      redisOptions: {
        ...options,
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' ? { tls: {} } : {}),
      },
    });
    cluster.on('+node', writingTogether);
    return cluster;
  }
}

/**
 * What is sent in one time of the event loop leaves in one write, in its order: jobs are settled
 * and fetched in bursts, and a system call for each command was a tenth of what a worker's main
 * thread does.
 */
function writingTogether(connection: Redis): Redis {
  connection.on('connect', () => {
    const { stream } = connection;
    const write = stream.write.bind(stream);
    let corked = false;
    const release = () => {
      corked = false;
      stream.uncork();
    };
    const writeSoon = (...args: Parameters<typeof write>) => {
      if (!corked) {
        corked = true;
        stream.cork();
        // Runs when all that is ready in this time has run, promises included.
        process.nextTick(release);
      }
      return write(...args);
    };
    stream.write = writeSoon as typeof stream.write;
  });
  return connection;
}

/**
 * Resolves when the connection can be used; a cluster that knows no working node never gets there.
 */
export async function whenReady(connection: RedisConnection): Promise<void> {
  if (connection.status === 'ready') return;
  try {
    await once(connection, 'ready', { signal: AbortSignal.timeout(FIRST_CONTACT_MS) });
  } catch (error) {
    connection.disconnect();
    throw new AppError(
      'bad_config',
      'The server that REDIS_URL names answers, but is not ready for use; see its own log.',
      { cause: error },
    );
  }
}

/** Without user and password, which must not get into a message. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'no valid URL';
}

/** Ends a connection without waiting for a server that may be gone. */
export async function closeRedis(connection: RedisConnection): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (connection.status === 'end') resolve();
    else connection.once('end', () => resolve());
  });
  connection.disconnect();
  await Promise.race([ended, new Promise<void>((resolve) => setTimeout(resolve, 200).unref())]);
}
