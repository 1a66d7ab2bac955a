import { registerCompletionHandler } from 'ava';

/** What a test has closed may take this long to be gone, on a busy machine too. */
const GRACE_MS = Number(process.env.TEST_EXIT_GRACE_MS ?? 10_000);

/**
 * Loaded before each test file (`require` in ava.config.js). A process whose tests are over ends by
 * itself once nothing is open in it. One in which something was left open, as by a test that failed
 * before it closed its server, would go on for the five minutes after which ava gives up: it is
 * ended with an error that names what is open.
 */
registerCompletionHandler(() => {
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].sort().join(', ');
    process.stderr.write(
      `The tests are over and something is still open (${open}); close it with t.teardown().\n`,
      () => process.exit(1),
    );
  }, GRACE_MS).unref();
});
