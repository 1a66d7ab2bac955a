import { AppError } from '../errors.js';

const REMEDY = 'Remove what is not needed, or ask the operator for a larger quota.';

interface QuotaSpec {
  /** Limit of a namespace if neither the admin nor the operator has set one. */
  default: number;
  /** `count` and `size` respond with 413, `rate` and `queue` with 429 and Retry-After. */
  kind: 'count' | 'size' | 'rate' | 'queue';
  about: string;
  /** What to do when the limit is reached; default `REMEDY` for counts and sizes. */
  remedy?: string;
}

/**
 * The quotas of a namespace. Each has a setting `QUOTA_<NAME>`; names that end in `_mb` are in MB
 * (2^20 bytes).
 */
export const QUOTAS = {
  functions: { default: 500, kind: 'count', about: 'Functions of a namespace.' },
  versions_per_function: {
    default: 1000,
    kind: 'count',
    about: 'Versions of one function.',
    remedy:
      'To go back to an earlier version, move the alias live to it. Versions go with their function only: delete the function and deploy it again, deploy under another name, or ask the operator for a larger quota.',
  },
  triggers: { default: 5000, kind: 'count', about: 'Triggers of a namespace, with topics and schedules.' },
  schedule_runs_per_hour: {
    default: 20_000,
    kind: 'rate',
    about: 'Runs of all schedules of a namespace in their busiest hour.',
  },
  secrets: { default: 1000, kind: 'count', about: 'Secrets of a namespace.' },
  keys: { default: 1000, kind: 'count', about: 'API keys of a namespace.' },
  database_mb: { default: 1024, kind: 'size', about: "Size of a namespace's database, in MB." },
  storage_mb: {
    default: 10_240,
    kind: 'size',
    about: 'Modules and stored blobs of a namespace, in MB; equal bytes count once.',
  },
  cache_mb: { default: 64, kind: 'size', about: 'Cache entries of a namespace, in MB.' },
  log_mb_per_day: {
    default: 10_240,
    kind: 'rate',
    about: 'Log lines of a namespace per UTC day, in MB; above it, calls are refused until the day ends.',
    remedy: 'Log less, or ask the operator for a larger quota.',
  },
  waiting_jobs: {
    default: 50_000,
    kind: 'queue',
    about: 'Waiting jobs of a namespace: its share of QUEUE_MAX_WAITING.',
  },
  waiting_mb: {
    default: 256,
    kind: 'queue',
    about: 'Input of all jobs of a namespace on the queue, in MB: its share of QUEUE_MAX_MB.',
  },
  delayed_jobs: {
    default: 20_000,
    kind: 'queue',
    about: 'Jobs of a namespace whose first attempt is delayed; they do not count as waiting.',
  },
  jobs_per_invocation: {
    default: 10_000,
    kind: 'count',
    about: 'Jobs that one attempt of an invocation may cause by publishing and enqueueing.',
  },
  concurrent_guests: {
    default: 256,
    kind: 'queue',
    about: 'Guests of a namespace that run at the same time in one worker process; further ones wait.',
  },
  sockets: { default: 5000, kind: 'queue', about: 'Open WebSockets and event streams of a namespace.' },
  requests_per_minute: { default: 600_000, kind: 'rate', about: 'Requests of a namespace per minute.' },
} as const satisfies Record<string, QuotaSpec>;

export type QuotaName = keyof typeof QUOTAS;
export type QuotaLimits = Readonly<Record<QuotaName, number>>;

export const QUOTA_NAMES = Object.keys(QUOTAS) as QuotaName[];
/** Maximum limit: in MB, its value in bytes is still a safe integer. */
export const MAX_QUOTA = 2 ** 32;

/** Retry-After of queues and sockets, whose rate of release is unknown. */
export const RETRY_AFTER_SECONDS = 5;

export interface QuotaUse {
  namespace: string;
  limit: number;
  /** Current usage in the unit of the quota, without the refused item. */
  used: number;
  /** Seconds; set for rates, for which it is known. */
  retryAfter?: number;
}

/** Creates the error of contract §11: status 429 for rates and queues, 413 for sizes and counts. */
export function quotaExceeded(name: QuotaName, { namespace, limit, used, retryAfter }: QuotaUse): AppError {
  const message = `${quotaUse(name, { namespace, limit, used })}, and this would exceed it.`;
  const { kind, remedy }: QuotaSpec = QUOTAS[name];
  if (kind === 'count' || kind === 'size') {
    return new AppError('quota_exceeded', `${message} ${remedy ?? REMEDY}`, { status: 413 });
  }
  const seconds = retryAfter ?? RETRY_AFTER_SECONDS;
  const hint = remedy === undefined ? '' : ` ${remedy}`;
  return new AppError(
    'quota_exceeded',
    `${message} Nothing was accepted; try again in ${seconds} s.${hint}`,
    { retryAfter: seconds },
  );
}

/** Says which quota of which namespace is exceeded, with use and limit; without a full stop. */
export function quotaUse(name: QuotaName, { namespace, limit, used }: QuotaUse): string {
  const unit = name.includes('_mb') ? ' MB' : '';
  return `The quota ${name} of namespace "${namespace}" is exceeded: ${rounded(used)}${unit} of ${limit}${unit} are used`;
}

/** Rounds to hundredths, for display. */
export function rounded(used: number): number {
  return Math.round(used * 100) / 100;
}
