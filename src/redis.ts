import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { AppError, messageOf } from './errors.js';
import { redactUrl } from './redact-url.js';
import { within } from './within.js';

export type RedisConnection = Redis | Cluster;

/** A caller that waits for an answer is told after this that there is none. */
const COMMAND_TIMEOUT_MS = 1500;
const FIRST_CONTACT_MS = 5000;
/**
 * A connection on which a command has waited this long for any byte is taken for dead, and made
 * anew.
 */
const SILENCE_MS = 5000;

export interface Dialect {
  /** Integers come as text, as JavaScript's own numbers end at 53 bits. */
  stringNumbers?: boolean;
  /** The following are for a server that speaks RESP but is no Redis. */
  protocol?: 2;
  enableReadyCheck?: boolean;
  disableClientInfo?: boolean;
}

const retryStrategy = (times: number): number => Math.min(50 * times, 1000);

/**
 * Fails at once while the server is away and reconnects by itself. Nothing is kept to be sent
 * later: a command that its caller has given up must not take effect after all.
 */
const FAIL_FAST = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // Subscriptions are renewed by whoever made them, who must know when that is done.
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  connectTimeout: FIRST_CONTACT_MS,
  retryStrategy,
} satisfies RedisOptions;

/**
 * Connects to a Redis, a Valkey or a Redis Cluster by one URL; throws `bad_config` when nothing
 * answers there.
 */
export async function connectRedis(
  url: string,
  setting: string,
  dialect: Dialect = {},
): Promise<RedisConnection> {
  const redis = await connectNode(url, setting, dialect);
  if (!(await isCluster(redis))) return redis;
  redis.disconnect();
  const { host, port, username, password, tls } = redis.options;
  let isConnected = false;
  const cluster = new Cluster([{ host: host ?? '127.0.0.1', port: port ?? 6379 }], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: (times) => (isConnected ? retryStrategy(times) : null),
    redisOptions: {
      ...FAIL_FAST,
      ...dialect,
      ...(username == null ? {} : { username }),
      ...(password == null ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    },
  });
  cluster.on('error', ignore);
  try {
    // Without slots to find, ioredis neither connects nor fails.
    await within(FIRST_CONTACT_MS, cluster.connect(), () => new Error('the cluster serves no slots'));
  } catch (error) {
    cluster.disconnect();
    throw unreachable(url, setting, error);
  }
  isConnected = true;
  return cluster;
}

/**
 * Connects to the one server of the URL, even if it is part of a cluster: messages are the same on
 * all of its nodes.
 */
export async function connectNode(url: string, setting: string, dialect: Dialect = {}): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new AppError('bad_config', `${setting} must be a redis:// or rediss:// URL, not ${redactUrl(url)}`);
  }
  let failure: unknown;
  let isConnected = false;
  const redis = new Redis(url, {
    ...FAIL_FAST,
    ...dialect,
    lazyConnect: true,
    // The first contact must succeed; only what was connected once is connected again.
    retryStrategy: (times) => (isConnected ? retryStrategy(times) : null),
  });
  redis.on('error', (error) => {
    failure = error;
  });
  try {
    await redis.connect();
    await redis.call('PING');
  } catch (error) {
    redis.disconnect();
    throw unreachable(url, setting, failure ?? error);
  }
  isConnected = true;
  return redis;
}

/** The error for a command that the server did not carry out, whatever the reason. */
export function unavailable(what: string, cause: unknown): AppError {
  return new AppError('unavailable', `The ${what} cannot be reached right now; try again in a moment.`, {
    cause,
  });
}

/** Resolves when the connection is there, and after `withinMs` at the latest. */
export function untilReady(redis: RedisConnection, withinMs: number): Promise<void> {
  if (redis.status === 'ready' || withinMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      redis.off('ready', done);
      resolve();
    };
    const timer = setTimeout(done, withinMs);
    redis.on('ready', done);
  });
}

async function isCluster(redis: Redis): Promise<boolean> {
  const info = await redis.info('cluster').catch(() => '');
  return info.includes('cluster_enabled:1');
}

function unreachable(url: string, setting: string, cause: unknown): AppError {
  return new AppError('bad_config', `${setting}: ${redactUrl(url)} cannot be used: ${messageOf(cause)}`, {
    cause,
  });
}

/**
 * Connection errors are reported by the command that meets them; without a listener ioredis prints
 * them.
 */
function ignore(): void {}
