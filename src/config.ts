import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { DEFAULT_NAMESPACE, namespaceSchema } from './contract/ids.js';
import { MAX_QUOTA, QUOTAS, type QuotaLimits, type QuotaName } from './contract/quotas.js';
import { AppError } from './errors.js';
import { suggest } from './suggest.js';

/** What the admin key reads, from the environment or its file. */
export const ADMIN_KEY = /^ak_[A-Za-z0-9_-]{16,128}:[A-Za-z0-9_-]{1,64}$/;

const number = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const list = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.string().min(1)));
const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');
const url = (protocols: RegExp, shape: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.test(text), `must look like ${shape}`);
const quota = (name: QuotaName) => {
  const { default: fallback, about } = QUOTAS[name];
  return number(0, MAX_QUOTA).default(fallback).describe(`Default quota: ${about}`);
};
const httpUrl = (example: string) => url(/^https?:\/\//, example);

/**
 * One setting: what it accepts, its default, and what it is for. The table in docs/settings.md is
 * made from this.
 */
const SETTINGS = {
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  PORT: number(0, 65_535).default(4000).describe('Port to listen on; 0 takes a free one.'),
  FUNCTIONS_PORT: number(0, 65_535)
    .optional()
    .describe('Port of HTTP functions, an origin of their own; `PORT` + 1 when unset, 0 takes a free one.'),
  FUNCTIONS_HOST: z
    .string()
    .regex(
      /^([A-Za-z0-9-]*\{namespace\}[A-Za-z0-9-]*)(\.[A-Za-z0-9-]+)*$/,
      'must be a host name with {namespace} in its first label, such as {namespace}.fn.example.com',
    )
    .optional()
    .describe(
      'Serves HTTP functions on `PORT` by host name, such as `{namespace}.fn.example.com`, in place of a port of their own.',
    ),
  ORAMA_DATA_DIR: z.string().min(1).default('.orama').describe('Directory of the embedded stores.'),
  REDIS_URL: url(/^rediss?:\/\//, 'redis://host:6379')
    .optional()
    .describe('Queue, bus and, without OLRIC_URL, cache.'),
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
  OLRIC_URL: url(/^(redis|rediss|olric):\/\//, 'redis://host:3320')
    .optional()
    .describe('Cache (RESP).'),
  ORAMA_ADMIN_KEY: z
    .string()
    .regex(
      ADMIN_KEY,
      'must read ak_<random>:<namespace>, the random part of 16 characters or more; make it with echo "ak_$(openssl rand -hex 24):default"',
    )
    .optional()
    .describe('Admin key for automation; made at first start when unset.'),
  ORAMA_SECRETS_KEY: z
    .string()
    .refine(
      (text) => Buffer.from(text, 'base64').length === 32,
      'must be 32 bytes in base64; make it with openssl rand -base64 32',
    )
    .optional()
    .describe('Master key of the secrets; made once when unset.'),
  ORAMA_SECRETS_KEY_PREVIOUS: z
    .string()
    .refine(
      (text) => Buffer.from(text, 'base64').length === 32,
      'must be 32 bytes in base64; make it with openssl rand -base64 32',
    )
    .optional()
    .describe('The master key before the last rotation: still opens, no longer seals.'),
  ORAMA_JWT_KEY: z
    .string()
    .optional()
    .describe('Private key (PKCS#8 PEM, EdDSA or RS256) that signs JWTs; made once when unset.'),
  ORAMA_JWKS_URL: httpUrl('https://issuer/.well-known/jwks.json')
    .optional()
    .describe('Key set of a further issuer whose JWTs are accepted.'),
  ORAMA_JWT_ISSUER: z.string().optional().describe('`iss` that JWTs of ORAMA_JWKS_URL must carry.'),
  ORAMA_JWT_AUDIENCE: z.string().optional().describe('`aud` that JWTs of ORAMA_JWKS_URL must carry.'),
  WORKER_THREADS: number(1, 256).default(availableParallelism()).describe('Guests computing at once.'),
  WORKER_PARKED: number(0, 1024).default(64).describe('Further guests that may wait in a host call at once.'),
  WORKER_CONCURRENCY: number(1, 4096)
    .default(64)
    .describe(
      'Jobs a process works on at once; when async jobs hold all slots, a quarter more for sync calls.',
    ),
  WORKER_MEMORY_MB: number(256, 1_048_576)
    .default(2048)
    .describe(
      'Memory for guests, per process: the limits of running ones, the memory of parked ones, and warm instances.',
    ),
  WORKER_PORT: number(0, 65_535)
    .optional()
    .describe(
      'Port of a worker process for `/health` and `/metrics`, on HOST; unset, it listens on nothing.',
    ),
  READY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File that a process writes when it is ready and removes when it begins to stop.'),
  RATE_LIMIT_PER_MINUTE: number(1, 1e9).default(600_000).describe('Requests per namespace and minute.'),
  ANON_RATE_LIMIT_PER_MINUTE: number(1, 1e9)
    .default(6000)
    .describe('Anonymous requests per address and minute.'),
  SYNC_WAIT_SECONDS: number(1, 86_400)
    .default(900)
    .describe('Longest wait of a sync call; then it answers as async.'),
  QUEUE_MAX_WAITING: number(1, 1e9).default(100_000).describe('Jobs waiting; beyond, 429.'),
  QUEUE_MAX_MB: number(1, 1e7).default(1024).describe('Input bytes waiting, in MB; beyond, 429.'),
  CACHE_MAX_MB: number(1, 1e6)
    .default(256)
    .describe(
      'Cache of all namespaces, in MB, in process or on the Redis of the queue; beyond, entries of the namespace with the most go.',
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
    .describe('Lock of a job: a worker that does not renew it for so long loses the job to another.'),
  EGRESS_ALLOW: list
    .optional()
    .describe('CIDRs or hosts that http_fetch and callbacks may reach though private.'),
  LOG_RETENTION_DAYS: number(1, 3650).default(7).describe('Invocation logs.'),
  DEAD_RETENTION_DAYS: number(1, 3650).default(14).describe('Dead letters.'),
  RESULT_TTL_SECONDS: number(0, 604_800)
    .default(3600)
    .describe('How long the output of an invocation is kept.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe("The engine's own log, on stderr."),
  SHUTDOWN_SECONDS: number(0, 3600)
    .default(30)
    .describe('On SIGTERM, running jobs are finished or put back on the queue within this.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl('http://collector:4318')
    .optional()
    .describe('OpenTelemetry traces over OTLP/HTTP.'),
  WALLET_SIGNUP: z
    .enum(['open', 'closed'])
    .optional()
    .describe(
      'Whether a wallet may claim a namespace that nobody has: `open` by default on a loopback HOST, else `closed`.',
    ),
  MAX_CONNECTIONS: number(1, 1_000_000)
    .default(10_000)
    .describe('Connections that a web process has open at once; further ones are closed at once.'),
  REQUEST_HEADERS_SECONDS: number(1, 300)
    .default(15)
    .describe('Longest time that a client may take for the headers of a request; then 408.'),
  REQUEST_IDLE_SECONDS: number(1, 300)
    .default(20)
    .describe('A request whose body pauses for so long is ended with 408.'),
  SOCKET_PING_SECONDS: number(1, 15)
    .default(10)
    .describe(
      'How often WebSockets are pinged; one that has not answered when the next ping is due is closed.',
    ),
  PRESENCE_LEASE_SECONDS: number(2, 25)
    .default(20)
    .describe('A process that has not renewed the presence of its members for so long has lost them.'),
  METRICS_SHARE_SECONDS: number(1, 60)
    .default(5)
    .describe(
      'How often processes tell one another their figures; one that is silent for three times as long is left out of /metrics.',
    ),
  OPEN_METRICS: flag
    .default(false)
    .describe('true: /metrics and the details of /v1/status need no credential.'),
  CORS_ORIGINS: list.optional().describe('Origins that browsers may call from; `*` for any.'),
  TRUSTED_PROXIES: list.optional().describe('CIDRs of proxies whose X-Forwarded-For is believed.'),
} as const;

const settingsSchema = z.object(SETTINGS);
export type Config = z.infer<typeof settingsSchema>;

/** Names that begin like ours but are read by the CLI. */
const CLI_NAMES = ['ORAMA_URL', 'ORAMA_API_KEY', 'ORAMA_NAMESPACE', 'ORAMA_UPDATE_NOTICE'];

export interface LoadedConfig {
  config: Config;
  /** Sentences about what looks wrong but does not stop the start. */
  warnings: string[];
}

/**
 * Reads and validates every setting; an override wins over the environment. Throws `bad_config`
 * naming the first that is wrong.
 */
export function loadConfig(
  overrides: NodeJS.ProcessEnv = {},
  environment: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...environment, ...overrides })) {
    // An empty value is how shells and compose files say "unset".
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0] ?? 'setting');
    const shown = /KEY|URL/.test(name) ? '' : ` (it is ${JSON.stringify(given[name])})`;
    throw new AppError(
      'bad_config',
      `${name}: ${issue?.message ?? 'is wrong'}${shown}. Correct it and start again.`,
    );
  }
  const known = [...Object.keys(SETTINGS), ...CLI_NAMES];
  const warnings = Object.keys(given)
    .filter((name) => name.startsWith('ORAMA_') && !known.includes(name))
    .map((name) => {
      const near = suggest(name, known);
      return `${name} is no setting of this engine and is ignored${near ? `; did you mean ${near}?` : '.'}`;
    });
  return { config: parsed.data, warnings };
}

/**
 * Whether wallets may claim namespaces: by themselves only where nobody from outside can reach the
 * engine.
 */
export function walletSignup({ WALLET_SIGNUP, HOST }: Config): 'open' | 'closed' {
  const isLoopback = HOST === 'localhost' || HOST === '::1' || /^127(\.\d{1,3}){3}$/.test(HOST);
  return WALLET_SIGNUP ?? (isLoopback ? 'open' : 'closed');
}

/** What a namespace has where the admin has set nothing. */
export function defaultQuotas(config: Config): QuotaLimits {
  return {
    functions: config.QUOTA_FUNCTIONS,
    versions_per_function: config.QUOTA_VERSIONS_PER_FUNCTION,
    triggers: config.QUOTA_TRIGGERS,
    schedule_runs_per_hour: config.QUOTA_SCHEDULE_RUNS_PER_HOUR,
    secrets: config.QUOTA_SECRETS,
    keys: config.QUOTA_KEYS,
    database_mb: config.QUOTA_DATABASE_MB,
    storage_mb: config.QUOTA_STORAGE_MB,
    cache_mb: config.QUOTA_CACHE_MB,
    log_mb_per_day: config.QUOTA_LOG_MB_PER_DAY,
    waiting_jobs: config.QUOTA_WAITING_JOBS,
    waiting_mb: config.QUOTA_WAITING_MB,
    delayed_jobs: config.QUOTA_DELAYED_JOBS,
    jobs_per_invocation: config.QUOTA_JOBS_PER_INVOCATION,
    concurrent_guests: config.QUOTA_CONCURRENT_GUESTS,
    sockets: config.QUOTA_SOCKETS,
    requests_per_minute: config.QUOTA_REQUESTS_PER_MINUTE ?? config.RATE_LIMIT_PER_MINUTE,
  };
}

export interface SettingRow {
  name: string;
  default: string;
  about: string;
}

/** Every setting with its default, for the docs. */
export function settingRows(): SettingRow[] {
  return Object.entries(SETTINGS).map(([name, schema]) => {
    const fallback = z.safeParse(schema, undefined);
    const value = fallback.success ? fallback.data : undefined;
    return {
      name,
      default: name === 'WORKER_THREADS' ? 'cores' : value === undefined ? 'unset' : String(value),
      about: schema.description ?? '',
    };
  });
}
