import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { API_KEY, DEFAULT_NAMESPACE, namespaceSchema } from './contract/ids.js';
import { isOrigin } from './contract/origin.js';
import { MAX_QUOTA, QUOTAS, type QuotaName } from './contract/quotas.js';
import { isUsableRedisUrl } from './redis/url.js';

/** Decimal digits only: `Number` would take blanks as 0, and `0x10` as 16. */
const number = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  const digits = z
    .string()
    .trim()
    .regex(/^-?\d+$/, error);
  return digits
    .transform(Number)
    .pipe(z.number({ error }).int({ error }).min(min, { error }).max(max, { error }));
};
const oneOf = <const T extends string[]>(...values: T) =>
  z.enum(values, { error: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` });
const list = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.string().min(1, 'must have no empty entry between its commas')));
const flag = oneOf('true', 'false', '1', '0').transform((text) => text === 'true' || text === '1');
const url = (protocols: RegExp, shape: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.test(text), `must look like ${shape}`);
const quota = (name: QuotaName) => {
  const { default: fallback, about } = QUOTAS[name];
  return number(0, MAX_QUOTA).default(fallback).describe(`Default quota: ${about}`);
};
const httpUrl = (example: string) => url(/^https?:\/\//, example);
const redisUrl = (example: string) =>
  url(/^rediss?:\/\//, example).refine(
    (text) => !URL.canParse(text) || isUsableRedisUrl(text),
    `must have the number of a database as its path, if any, and % as %25 in its password, like ${example}/0`,
  );

/**
 * The settings: accepted values, defaults and descriptions. The table in docs/settings.md is
 * generated from this object.
 */
export const SETTINGS = {
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  PORT: number(0, 65_535).default(4000).describe('Port to listen on; 0 selects a free port.'),
  FUNCTIONS_PORT: number(0, 65_535)
    .optional()
    .describe(
      'Port of HTTP functions, which have an origin of their own; default `PORT` + 1, 0 selects a free port.',
    ),
  FUNCTIONS_HOST: z
    .string()
    .regex(
      /^([A-Za-z0-9-]*\{namespace\}[A-Za-z0-9-]*)(\.[A-Za-z0-9-]+)*$/,
      'must be a host name with {namespace} in its first label, such as {namespace}.fn.example.com',
    )
    .optional()
    .describe(
      'Serves HTTP functions on `PORT` by host name, such as `{namespace}.fn.example.com`, instead of on a separate port.',
    ),
  ORAMA_DATA_DIR: z.string().min(1).default('.orama').describe('Directory of the embedded stores.'),
  REDIS_URL: redisUrl('redis://host:6379').optional().describe('Queue, bus and, without OLRIC_URL, cache.'),
  RQLITE_URL: list
    .pipe(z.array(httpUrl('http://host:4001')))
    .optional()
    .describe('Metadata, logs and secrets: comma-separated nodes.'),
  FUNCTION_DB_URL: z
    .string()
    .refine((text) => /^https?:\/\//.test(text), 'must look like http://{namespace}.db:4001')
    .optional()
    .describe("Functions' databases: an RQLite per namespace, with `{namespace}` in the URL."),
  FUNCTION_DB_NAMESPACE: namespaceSchema
    .default(DEFAULT_NAMESPACE)
    .describe('The only namespace that may use FUNCTION_DB_URL when it has no `{namespace}`.'),
  IPFS_API_URL: httpUrl('http://host:5001').optional().describe('Kubo RPC for WASM files and blobs.'),
  OLRIC_URL: redisUrl('redis://host:3320').optional().describe('Cache (RESP).'),
  ORAMA_ADMIN_KEY: z
    .string()
    .regex(
      API_KEY,
      'must read ak_<random>:<namespace>, the random part of 16 characters or more; make it with echo "ak_$(openssl rand -hex 24):default"',
    )
    .optional()
    .describe(
      'Admin key for automation; generated at the first start if unset. A key that it replaces stays valid until it is revoked.',
    ),
  ORAMA_SECRETS_KEY: z
    .string()
    .refine(
      (text) => Buffer.from(text, 'base64').length === 32,
      'must be 32 bytes in base64; make it with openssl rand -base64 32',
    )
    .optional()
    .describe('Master key that encrypts secrets; generated at the first start if unset.'),
  ORAMA_SECRETS_KEY_PREVIOUS: z
    .string()
    .refine(
      (text) => Buffer.from(text, 'base64').length === 32,
      'must be 32 bytes in base64; make it with openssl rand -base64 32',
    )
    .optional()
    .describe('The previous master key during a rotation: still decrypts, but does not encrypt.'),
  ORAMA_JWT_KEY: z
    .string()
    .optional()
    .describe(
      'Private key (PKCS#8 PEM, EdDSA or RS256) that signs JWTs; generated at the first start if unset.',
    ),
  ORAMA_JWKS_URL: httpUrl('https://issuer/.well-known/jwks.json')
    .optional()
    .describe('URL of the JWK set of an additional issuer whose JWTs are accepted.'),
  ORAMA_JWT_ISSUER: z.string().optional().describe('Required `iss` claim of JWTs of that issuer.'),
  ORAMA_JWT_AUDIENCE: z.string().optional().describe('Required `aud` claim of JWTs of that issuer.'),
  WORKER_THREADS: number(1, 256)
    .default(availableParallelism())
    .describe('Maximum number of guests that compute at the same time.'),
  WORKER_PARKED: number(0, 1024)
    .default(64)
    .describe('Maximum number of additional guests that wait in a host call.'),
  WORKER_CONCURRENCY: number(1, 4096)
    .default(64)
    .describe(
      'Maximum number of concurrent jobs per process; if async jobs hold all slots, a quarter more for sync calls.',
    ),
  WORKER_MEMORY_MB: number(256, 1_048_576)
    .default(2048)
    .describe(
      'Memory for guests, per process: the limits of running ones, the memory of parked ones, and warm instances.',
    ),
  WORKER_PORT: number(0, 65_535)
    .optional()
    .describe('Port of a worker process for `/health` and `/metrics`, on HOST; disabled if unset.'),
  READY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File that a process creates when it is ready and removes when it begins to shut down.'),
  RATE_LIMIT_PER_MINUTE: number(1, 1e9).default(600_000).describe('Requests per namespace and minute.'),
  ANON_RATE_LIMIT_PER_MINUTE: number(1, 1e9)
    .default(6000)
    .describe('Anonymous requests per address and minute.'),
  SYNC_WAIT_SECONDS: number(1, 86_400)
    .default(900)
    .describe('Maximum wait of a sync call; after it, the call is answered like an async one.'),
  QUEUE_MAX_WAITING: number(1, 1e9)
    .default(100_000)
    .describe('Maximum number of waiting jobs; above it, 429.'),
  QUEUE_MAX_MB: number(1, 1e7)
    .default(1024)
    .describe('Maximum input size of waiting jobs, in MB; above it, 429.'),
  CACHE_MAX_MB: number(1, 1e6)
    .default(256)
    .describe(
      'Maximum cache size of all namespaces, in MB, in process or on the Redis of the queue; above it, entries of the largest namespace are evicted.',
    ),
  QUOTA_FUNCTIONS: quota('functions'),
  QUOTA_VERSIONS_PER_FUNCTION: quota('versions_per_function'),
  QUOTA_TRIGGERS: quota('triggers'),
  QUOTA_SCHEDULE_RUNS_PER_HOUR: quota('schedule_runs_per_hour'),
  QUOTA_SECRETS: quota('secrets'),
  QUOTA_KEYS: quota('keys'),
  QUOTA_DATABASE_MB: quota('database_mb'),
  QUOTA_STORAGE_MB: quota('storage_mb'),
  QUOTA_CACHE_MB: quota('cache_mb'),
  QUOTA_LOG_MB_PER_DAY: quota('log_mb_per_day'),
  QUOTA_WAITING_JOBS: quota('waiting_jobs'),
  QUOTA_WAITING_MB: quota('waiting_mb'),
  QUOTA_DELAYED_JOBS: quota('delayed_jobs'),
  QUOTA_JOBS_PER_INVOCATION: quota('jobs_per_invocation'),
  QUOTA_CONCURRENT_GUESTS: quota('concurrent_guests'),
  QUOTA_SOCKETS: quota('sockets'),
  QUOTA_REQUESTS_PER_MINUTE: number(1, MAX_QUOTA)
    .optional()
    .describe(`Default quota: ${QUOTAS.requests_per_minute.about} Unset: RATE_LIMIT_PER_MINUTE.`),
  QUEUE_LOCK_SECONDS: number(1, 300)
    .default(8)
    .describe(
      'Lock duration of a job: if a worker does not renew the lock in time, the job is given to another worker.',
    ),
  EGRESS_ALLOW: list
    .optional()
    .describe('CIDRs or hosts that http_fetch and callbacks may reach although they are private.'),
  LOG_RETENTION_DAYS: number(1, 3650).default(7).describe('Retention of invocation logs.'),
  DEAD_RETENTION_DAYS: number(1, 3650).default(14).describe('Retention of dead letters.'),
  RESULT_TTL_SECONDS: number(0, 604_800)
    .default(3600)
    .describe('How long the output of an invocation is kept.'),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
    .default('info')
    .describe("Level of the engine's own log on stderr."),
  SHUTDOWN_SECONDS: number(0, 3600)
    .default(30)
    .describe(
      'Maximum duration of a shutdown after SIGTERM: running jobs are finished or returned to the queue.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl('http://collector:4318')
    .optional()
    .describe('OTLP/HTTP endpoint for OpenTelemetry traces.'),
  WALLET_SIGNUP: oneOf('open', 'closed')
    .optional()
    .describe(
      'Whether a wallet may claim an unowned namespace: by default `open` if HOST is a loopback address, otherwise `closed`.',
    ),
  MAX_CONNECTIONS: number(1, 1_000_000)
    .default(10_000)
    .describe('Maximum number of open connections of a web process; further ones are closed immediately.'),
  REQUEST_HEADERS_SECONDS: number(1, 300)
    .default(15)
    .describe('Time limit for receiving the headers of a request; then 408.'),
  REQUEST_IDLE_SECONDS: number(1, 300)
    .default(20)
    .describe(
      'A request whose body pauses for this long is ended with 408, and a client that reads nothing of a reply over 64 KB for this long is disconnected.',
    ),
  SOCKET_PING_SECONDS: number(1, 15)
    .default(10)
    .describe(
      'Ping interval of WebSockets; a socket that has not answered when the next ping is due is closed.',
    ),
  PRESENCE_LEASE_SECONDS: number(2, 25)
    .default(20)
    .describe('Presence lease: members of a process that does not renew it are removed.'),
  METRICS_SHARE_SECONDS: number(1, 60)
    .default(5)
    .describe(
      'Interval at which processes exchange metrics; one that is silent for three intervals is omitted from /metrics.',
    ),
  OPEN_METRICS: flag
    .default(false)
    .describe('true: /metrics and the details of /v1/status require no credential.'),
  CORS_ORIGINS: list
    .refine((origins) => origins.every(isOrigin), {
      error:
        'must be origins as browsers send them, such as https://app.example.com without a final slash, or *',
    })
    .optional()
    .describe('Origins allowed by CORS; `*` for any.'),
  TRUSTED_PROXIES: list
    .optional()
    .describe('CIDRs of proxies whose X-Forwarded-For, -Host and -Proto headers are trusted.'),
} as const;

export const settingsSchema = z.object(SETTINGS);
