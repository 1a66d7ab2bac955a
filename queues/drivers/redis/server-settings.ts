import type { Redis } from 'ioredis';
import { AppError } from '../../../src/errors.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import type { Warn } from '../../warn.js';

/** The first version, as major and minor number, with all commands of the scripts. */
const MIN_VERSION = [6, 2] as const;

/**
 * Warns once of each setting of the server with which accepted jobs can be lost. Throws
 * `bad_config` if the server is too old. A user who may not use INFO gets neither.
 *
 * BullMQ checks the version too, and prints a line about the policy, once for each of its
 * connections and not to the log; its connections are therefore opened without that check.
 */
export async function checkServerSettings(connection: RedisConnection, warn: Warn): Promise<void> {
  const nodes: readonly Pick<Redis, 'info'>[] =
    'nodes' in connection ? connection.nodes('master') : [connection];
  const infos = await Promise.all(nodes.map((node) => node.info().catch(() => '')));
  const valuesOf = (field: string) => infos.map((info) => fieldOf(info, field) ?? null);
  const old = valuesOf('redis_version').find((version) => version !== null && isTooOld(version));
  if (old) {
    throw new AppError('bad_config', `REDIS_URL names Redis ${old}; use Redis 7 or newer, or Valkey.`);
  }
  const policy = valuesOf('maxmemory_policy').find((value) => value !== null && value !== 'noeviction');
  if (policy) {
    warn(
      `REDIS_URL: maxmemory-policy of Redis is ${policy}, so that a full Redis deletes accepted jobs; set it to noeviction.`,
      undefined,
    );
  }
  if (valuesOf('aof_enabled').includes('0')) {
    warn(
      'REDIS_URL: appendonly of Redis is no, so that accepted jobs are lost when Redis ends, except those of its last snapshot (save); set it to yes.',
      undefined,
    );
  }
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
}
