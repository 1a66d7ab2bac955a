import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { AppError } from '../errors.js';
import { networkReason } from '../network-reason.js';
import { redactUrl } from '../redact-url.js';
import { batchWrites } from './batched-writes.js';
import { type RedisConnection, whenReady } from './connection.js';

/** Timeout of commands whose caller waits for the response. */
const COMMAND_TIMEOUT_MS = 2000;
const FIRST_CONTACT_MS = 5000;
/**
 * A connection that has received no data for this long while a command is pending is considered
 * dead and is reopened.
 */
const SILENCE_MS = 5000;
/** How often a connection to a replica is opened again, in milliseconds. */
const RECONNECT_EVERY_MS = 5000;

const retryStrategy = (times: number): number => Math.min(50 * times, 1000);

const PROFILES = {
  /**
   * For commands whose caller waits. Commands fail immediately while the server is unreachable; the
   * connection is reopened automatically. Commands are never queued for later: a command that its
   * caller has given up must not take effect.
   */
  failFast: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // The owner of a subscription resubscribes, since it must know when that is done.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
  },
  /** For workers and their subscriptions: commands wait until the server is reachable again. */
  worker: { enableOfflineQueue: true, maxRetriesPerRequest: null },
} as const satisfies Record<string, RedisOptions>;

/** Behaviour of a connection while its server is unreachable. */
export type Profile = keyof typeof PROFILES;

/** Options for servers that differ from Redis, and for other reply formats. */
export interface Dialect {
  /** Returns integers as strings, since JavaScript numbers are exact only up to 53 bits. */
  stringNumbers?: boolean;
  /** The following options are for a server that speaks RESP but is not Redis. */
  protocol?: 2;
  enableReadyCheck?: boolean;
  disableClientInfo?: boolean;
}

export interface ServerOptions {
  dialect?: Dialect | undefined;
  /**
   * Combines the commands of one turn of the event loop into one socket write. Default: one write
   * per command.
   */
  batchWrites?: boolean;
  /**
   * The same as SILENCE_MS for connections of the profile `worker`. After it, commands are repeated
   * on a new connection.
   */
  workerSilenceMs?: number;
}

/** The Redis, Valkey or Redis Cluster of one URL. */
export class RedisServer {
  readonly #url: string;
  readonly #setting: string;
  readonly #options: ServerOptions;
  readonly #isCluster: boolean;

  private constructor(url: string, setting: string, options: ServerOptions, isCluster: boolean) {
    this.#url = url;
    this.#setting = setting;
    this.#options = options;
    this.#isCluster = isCluster;
  }

  get workerSilenceMs(): number {
    return this.#options.workerSilenceMs ?? SILENCE_MS;
  }

  /**
   * Connects to the URL and detects whether the server is part of a cluster. Throws `bad_config`
   * with the name of the setting if nothing responds: at startup this indicates a wrong setting,
   * not an outage.
   */
  static async reach(url: string, setting: string, options: ServerOptions = {}): Promise<RedisServer> {
    const cluster = await askOnce(url, setting, options, isCluster);
    return new RedisServer(url, setting, options, cluster);
  }

  /** Like `reach`, for a server that is used by itself, or does not know Redis' `INFO`. */
  static async reachNode(url: string, setting: string, options: ServerOptions = {}): Promise<RedisServer> {
    await askOnce(url, setting, options, (redis) => redis.call('PING'));
    return new RedisServer(url, setting, options, false);
  }

  /** Opens a connection and resolves when it is ready. Throws `bad_config` as `reach` does. */
  async connect(profile: Profile): Promise<RedisConnection> {
    return this.#whenReady(this.open(profile));
  }

  /**
   * Like `connect`, but connects only to the server in the URL, even if it is part of a cluster: a
   * cluster delivers pub/sub messages on all nodes.
   */
  async connectToNode(profile: Profile): Promise<Redis> {
    return this.#whenReady(this.openNode(profile));
  }

  /** Returns a connection that is still being opened. */
  open(profile: Profile): RedisConnection {
    return this.#isCluster ? this.#openCluster(profile) : this.openNode(profile);
  }

  /** Like `open`, but connects only to the server in the URL; see `connectToNode`. */
  openNode(profile: Profile): Redis {
    const redis = new Redis(this.#url, this.#optionsOf(profile));
    prepareListeners(redis);
    if (this.#options.batchWrites) batchWrites(redis);
    return redis;
  }

  #openCluster(profile: Profile): Cluster {
    const { hostname, port, username, password, protocol } = new URL(this.#url);
    const cluster = new Cluster([{ host: hostname, port: Number(port || 6379) }], {
      enableOfflineQueue: PROFILES[profile].enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      redisOptions: {
        ...this.#optionsOf(profile),
        ...(username === '' ? {} : { username: decodeURIComponent(username) }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' ? { tls: {} } : {}),
      },
    });
    prepareListeners(cluster);
    if (this.#options.batchWrites) cluster.on('+node', batchWrites);
    return cluster;
  }

  #optionsOf(profile: Profile) {
    return {
      ...PROFILES[profile],
      ...(profile === 'worker' ? { socketTimeout: this.workerSilenceMs } : {}),
      ...this.#options.dialect,
      connectTimeout: FIRST_CONTACT_MS,
      retryStrategy,
      reconnectOnError: reconnectsToPrimary(),
    };
  }

  async #whenReady<C extends RedisConnection>(connection: C): Promise<C> {
    try {
      await whenReady(connection, FIRST_CONTACT_MS);
      return connection;
    } catch (error) {
      connection.disconnect();
      throw unreachable(this.#url, this.#setting, error);
    }
  }
}

/**
 * Returns the condition under which a connection is opened again after an error. After a failover
 * the old primary, now a replica, may keep its connections, while the URL leads to the new one. If
 * the URL itself names a replica, most commands fail with READONLY while the connection stays open.
 */
function reconnectsToPrimary(): (error: Error) => boolean {
  let lastAt = performance.now();
  return ({ message }) => {
    if (!message.startsWith('READONLY') || performance.now() - lastAt < RECONNECT_EVERY_MS) return false;
    lastAt = performance.now();
    return true;
  };
}

/**
 * Sets up the listeners of a connection. During an outage any number of calls wait for the
 * connection with a listener each, which is not a leak that Node has to warn about.
 */
function prepareListeners(connection: RedisConnection): void {
  connection.on('error', ignore);
  connection.setMaxListeners(0);
}

/** Opens a connection for commands whose callers wait, to the Redis or Redis Cluster of a URL. */
export async function connectRedis(
  url: string,
  setting: string,
  dialect?: Dialect,
): Promise<RedisConnection> {
  const server = await RedisServer.reach(url, setting, { dialect });
  return server.connect('failFast');
}

/**
 * Like `connectRedis`, but connects only to the server in the URL, even if it is part of a cluster.
 */
export async function connectNode(url: string, setting: string, dialect?: Dialect): Promise<Redis> {
  const server = await RedisServer.reachNode(url, setting, { dialect });
  return server.connectToNode('failFast');
}

/** Asks the server of the URL something on a connection of its own. */
async function askOnce<T>(
  url: string,
  setting: string,
  { dialect }: ServerOptions,
  ask: (redis: Redis) => Promise<T>,
): Promise<T> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new AppError('bad_config', `${setting} must be a redis:// or rediss:// URL, not ${redactUrl(url)}`);
  }
  const redis = new Redis(url, {
    ...dialect,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: FIRST_CONTACT_MS,
    commandTimeout: FIRST_CONTACT_MS,
  });
  // The rejection of `connect` does not always contain the reason.
  let failure: unknown;
  redis.on('error', (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    const answer = await ask(redis);
    // ioredis continues on database 0 if the server does not have the one of the URL.
    if (failure !== undefined) throw failure;
    return answer;
  } catch (error) {
    throw unreachable(url, setting, failure ?? error);
  } finally {
    redis.disconnect();
  }
}

async function isCluster(redis: Redis): Promise<boolean> {
  // A user may lack the permission for INFO.
  const info = await redis.info('cluster').catch(() => '');
  return info.includes('cluster_enabled:1');
}

function unreachable(url: string, setting: string, cause: unknown): AppError {
  return new AppError(
    'bad_config',
    `${setting} names ${redactUrl(url)}, which cannot be used (${reasonOf(cause)}); start the server there or correct the URL.`,
    { cause },
  );
}

/** The server's own words, which name what to correct in the URL, or what the network did. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error && cause.name === 'ReplyError' ? cause.message : networkReason(cause);
}

/** The failing command reports the error. Without an `error` listener ioredis would print it. */
function ignore(): void {}
