import * as z from 'zod';
import type { QuotaLimits } from './contract/quotas.js';
import { show } from './contract/show.js';
import { AppError } from './errors.js';
import { SETTINGS, settingsSchema } from './settings.js';
import { suggest } from './suggest.js';

export type Config = z.infer<typeof settingsSchema>;

/** Variables with the prefix `ORAMA_` that the CLI reads, not the engine. */
const CLI_NAMES = ['ORAMA_URL', 'ORAMA_API_KEY', 'ORAMA_NAMESPACE', 'ORAMA_UPDATE_NOTICE'];

export interface LoadedConfig {
  config: Config;
  /** Messages about settings that look wrong but do not prevent startup. */
  warnings: string[];
}

/**
 * Reads and validates all settings. Overrides take precedence over the environment. Throws
 * `bad_config` with the name of the first invalid setting.
 */
export function loadConfig(
  overrides: NodeJS.ProcessEnv = {},
  environment: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...environment, ...overrides })) {
    // Shells and compose files use an empty value for "unset".
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = String(issue?.path[0] ?? 'setting');
    const sentence = `${name} ${issue?.message ?? 'is not valid'}`;
    // Keys are secret, and URLs may contain passwords.
    const isSecret = /_(KEY|KEY_PREVIOUS|URL|ENDPOINT)$/.test(name);
    const shown = isSecret || sentence.includes(', not ') ? '' : `, not ${show(given[name])}`;
    throw new AppError('bad_config', `${sentence}${shown}. Correct the setting and start again.`);
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
 * Returns whether wallets may claim namespaces. The default is `open` only if the engine listens on
 * a loopback address.
 */
export function walletSignup({ WALLET_SIGNUP, HOST }: Config): 'open' | 'closed' {
  const isLoopback = HOST === 'localhost' || HOST === '::1' || /^127(\.\d{1,3}){3}$/.test(HOST);
  return WALLET_SIGNUP ?? (isLoopback ? 'open' : 'closed');
}

/** Returns the quotas of a namespace for which the admin has set none. */
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

/** Returns every setting with its default value, for the documentation. */
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
