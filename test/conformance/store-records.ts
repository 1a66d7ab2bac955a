import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import type { Namespace } from '../../src/contract/ids.js';
import type { NewVersion } from '../../src/ports/store/functions.js';
import type { StoredRollout } from '../../src/ports/store/rollouts.js';
import { aName, aNamespace } from '../helpers/attempt.js';

/** Returns a version to add: of a new namespace, with what is given. */
export function aVersion(
  given: Partial<NewVersion> & { name?: string; triggers?: unknown[]; routes?: string[] } = {},
): NewVersion {
  const { name = 'hello', triggers = [], routes, ...rest } = given;
  const http = routes === undefined ? {} : { http: { routes } };
  return {
    namespace: aNamespace(),
    settings: functionSettingsSchema.parse({
      name,
      is_public: true,
      memory_limit_mb: 128,
      retry_delay_seconds: 0.5,
      metadata: functionMetadataSchema.parse({ env: { GREETING: 'héllo' }, triggers, ...http }),
    }),
    wasmCid: 'bafkreigh2akiscaildc',
    warmStart: 'fresh',
    createdBy: 'admin',
    ...rest,
  };
}

/** Returns a running rollout of function `a` to version 2. */
export function aRollout(namespace: Namespace): Omit<StoredRollout, 'changeId'> {
  const now = Date.now();
  return {
    ...{ namespace, function: aName('a'), state: 'running', to: 2, from: 1, createdLive: false },
    request: { to: 2, steps: [10], every_seconds: 60, max_error_percent: 2, min_calls: 20 },
    ...{ step: 0, stepStartedAt: now, calls: 0, errors: 0, p95Ms: null, reason: null },
    ...{ startedAt: now, updatedAt: now },
  };
}
