import type { Config } from '../config.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';

/**
 * Throws `bad_config` without REDIS_URL, since separate web and worker processes need a shared
 * queue. Warns about embedded stores.
 */
export function assertShared(role: 'web' | 'worker', config: Config, logger: Logger): void {
  if (config.REDIS_URL === undefined) {
    throw new AppError(
      'bad_config',
      `REDIS_URL is not set, and a ${role} process needs the queue that the others use. Set it, or run everything in one process with "orama up".`,
    );
  }
  const local = localParts(config);
  if (local.length === 0) return;
  logger.warn(
    `In the data directory ${config.ORAMA_DATA_DIR}: ${local.join(', ')}. All processes must share it, so they must run on one machine; set these URLs to use several.`,
  );
}

/** What is in the data directory, each with the setting that takes it elsewhere. */
export function localParts(config: Config): string[] {
  return [
    config.RQLITE_URL === undefined ? 'metadata and logs (RQLITE_URL)' : null,
    config.IPFS_API_URL === undefined ? 'WASM files (IPFS_API_URL)' : null,
    config.FUNCTION_DB_URL === undefined ? "functions' databases (FUNCTION_DB_URL)" : null,
    config.ORAMA_SECRETS_KEY === undefined ? 'the secrets key (ORAMA_SECRETS_KEY)' : null,
  ].filter((part) => part !== null);
}
