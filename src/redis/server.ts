import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { AppError, messageOf } from '../errors.js';
import { redactUrl } from '../redact-url.js';
import { batchWrites } from './batched-writes.js';
import { type RedisConnection, whenReady } from './connection.js';

/** A caller that waits for an answer is told after this that there is none. */
export const COMMAND_TIMEOUT_MS = 2000;
const FIRST_CONTACT_MS = 5000;
/**
 * A connection on which a command has waited this long for any byte is taken for dead, and made
 * anew.
 */
const SILENCE_MS = 5000;

const retryStrategy = (times: number): number => Math.min(50 * times, 1000);

const PROFILES = {
  /**
   * For commands whose caller waits. Fails at once while the server is away and reconnects by
   * itself. Nothing is kept to be sent later: a command that its caller has given up must not take
   * effect after all.
   */
  failFast: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Subscriptions are renewed by whoever made them, who must know when that is done.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
  },
  /**
   * For commands that block, and for subscriptions: waits until the server is back, and goes on.
   */
  patient: { enableOfflineQueue: true, maxRetriesPerRequest: null },
} as const satisfies Record<string, RedisOptions>;

/** What a connection does while its server is away. */
export type Profile = keyof typeof PROFILES;

/** How a server differs from Redis, or its answers from the usual. */
export interface Dialect {
  /** Integers come as text, as JavaScript's own numbers end at 53 bits. */
  stringNumbers?: boolean;
  /** The following are for a server that speaks RESP but is no Redis. */
  protocol?: 2;
  enableReadyCheck?: boolean;
  disableClientInfo?: boolean;
}

export interface ServerOptions {
  dialect?: Dialect | undefined;
  /** Commands of one turn of the event loop leave in one write, at its end. Default: each at once. */
  batchWrites?: boolean;
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

  /**
   * Finds out what is there. Throws `bad_config`, with the name of the setting, when nothing
   * answers: that is a wrong setting, not an outage.
   */
  static async reach(url: string, setting: string, options: ServerOptions = {}): Promise<RedisServer> {
    if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
      throw new AppError(
        'bad_config',
        `${setting} must be a redis:// or rediss:// URL, not ${redactUrl(url)}`,
      );
    }
    const probe = new Redis(url, {
      ...options.dialect,
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: FIRST_CONTACT_MS,
      commandTimeout: FIRST_CONTACT_MS,
    });
    let failure: unknown;
    probe.on('error', (error) => {
      failure = error;
    });
    try {
      await probe.connect();
      await probe.call('PING');
      return new RedisServer(url, setting, options, await isCluster(probe));
    } catch (error) {
      throw notThere(url, setting, failure ?? error);
    } finally {
      probe.disconnect();
    }
  }

  /** Resolves when the connection can be used; throws `bad_config` as `reach` does. */
  async connect(profile: Profile): Promise<RedisConnection> {
    return this.#whenReady(this.open(profile));
  }

  /**
   * As `connect`, to the one server of the URL even if it is part of a cluster: messages are the
   * same on all of its nodes.
   */
  async connectToNode(profile: Profile): Promise<Redis> {
    return this.#whenReady(this.#openNode(profile));
  }

  /** A connection that is still being made. */
  open(profile: Profile): RedisConnection {
    return this.#isCluster ? this.#openCluster(profile) : this.#openNode(profile);
  }

  #openNode(profile: Profile): Redis {
    const redis = new Redis(this.#url, this.#optionsOf(profile));
    redis.on('error', ignore);
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
    cluster.on('error', ignore);
    if (this.#options.batchWrites) cluster.on('+node', batchWrites);
    return cluster;
  }

  #optionsOf(profile: Profile) {
    return {
      ...PROFILES[profile],
      ...this.#options.dialect,
      connectTimeout: FIRST_CONTACT_MS,
      retryStrategy,
    };
  }

  async #whenReady<C extends RedisConnection>(connection: C): Promise<C> {
    try {
      await whenReady(connection, FIRST_CONTACT_MS);
      return connection;
    } catch (error) {
      connection.disconnect();
      throw notThere(this.#url, this.#setting, error);
    }
  }
}

/** A connection for commands whose callers wait, to the Redis or Redis Cluster of a URL. */
export async function connectRedis(
  url: string,
  setting: string,
  dialect?: Dialect,
): Promise<RedisConnection> {
  const server = await RedisServer.reach(url, setting, { dialect });
  return server.connect('failFast');
}

/** As `connectRedis`, to the one server of the URL even if it is part of a cluster. */
export async function connectNode(url: string, setting: string, dialect?: Dialect): Promise<Redis> {
  const server = await RedisServer.reach(url, setting, { dialect });
  return server.connectToNode('failFast');
}

async function isCluster(redis: Redis): Promise<boolean> {
  const info = await redis.info('cluster').catch(() => '');
  return info.includes('cluster_enabled:1');
}

function notThere(url: string, setting: string, cause: unknown): AppError {
  return new AppError(
    'bad_config',
    `${setting} names ${redactUrl(url)}, which cannot be used (${messageOf(cause)}); start the server there or correct the URL.`,
    { cause },
  );
}

/** The command that meets an error reports it; without a listener ioredis prints it. */
function ignore(): void {}
