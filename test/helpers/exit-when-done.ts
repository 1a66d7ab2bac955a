import { registerCompletionHandler } from 'ava';

/** How long resources that a test has closed may take to be released, also on a busy machine. */
const GRACE_MS = Number(process.env.TEST_EXIT_GRACE_MS ?? 10_000);

/**
 * Loaded before each test file (`require` in ava.config.js). A test process exits by itself when no
 * resource is open. If one was left open, for example by a test that failed before closing its
 * server, the process would run until ava's timeout of five minutes; instead it is ended with an
 * error that names the open resources.
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
