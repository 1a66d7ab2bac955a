import type { OpenStore } from './open-store.js';
import { testAttempts } from './store-attempts.js';
import { testAudit } from './store-audit.js';
import { testBlobOwners } from './store-blob-owners.js';
import { testCallbacks } from './store-callbacks.js';
import { testDeadLetters } from './store-dead-letters.js';
import { testDeletedFunctions } from './store-deleted-functions.js';
import { testEndedInvocations } from './store-ended-invocations.js';
import { testFunctions } from './store-functions.js';
import { testIdempotency } from './store-idempotency.js';
import { testKeys } from './store-keys.js';
import { testLifecycle } from './store-lifecycle.js';
import { testQuotas } from './store-quotas.js';
import { testRetention } from './store-retention.js';
import { testRoutes } from './store-routes.js';
import { testSecrets } from './store-secrets.js';
import { testSessions } from './store-sessions.js';
import { testSettings } from './store-settings.js';
import { testTraces } from './store-traces.js';
import { testTriggers } from './store-triggers.js';

/**
 * Tests for every driver of the store. All tests share one database; each uses a namespace of its
 * own.
 */
export function testStore(driver: string, open: OpenStore): void {
  testFunctions(driver, open);
  testRoutes(driver, open);
  testTriggers(driver, open);
  testDeletedFunctions(driver, open);
  testAttempts(driver, open);
  testEndedInvocations(driver, open);
  testDeadLetters(driver, open);
  testRetention(driver, open);
  testTraces(driver, open);
  testCallbacks(driver, open);
  testSecrets(driver, open);
  testKeys(driver, open);
  testAudit(driver, open);
  testIdempotency(driver, open);
  testBlobOwners(driver, open);
  testSessions(driver, open);
  testSettings(driver, open);
  testLifecycle(driver, open);
  testQuotas(driver, open);
}
