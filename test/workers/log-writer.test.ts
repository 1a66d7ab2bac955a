import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { openStore } from '../../db/open.js';
import type { Backlog } from '../../src/ports/backlog.js';
import { GroupCommitLogWriter } from '../../workers/delivery/log-writer.js';
import { anAttempt } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
/** The pause before a retry, in milliseconds. */
const RETRY_MS = 500;
let files = 0;

/** A log writer whose store and backlog are both unreachable until `mend`. */
async function scene(t: ExecutionContext) {
  const store = await openStore({ driver: 'sqlite', file: join(directory, `${++files}.sqlite`) });
  let isDown = true;
  /** Each attempt to write a batch ends with the backlog. */
  let attempts = 0;
  const assertUp = () => {
    if (isDown) throw new Error('down');
  };
  const backlog: Backlog = {
    async push() {
      attempts++;
      assertUp();
    },
    drain: async () => {
      assertUp();
      return 0;
    },
    setAside: async () => assertUp(),
    size: async () => 0,
    close: async () => undefined,
  };
  const writer = new GroupCommitLogWriter({
    attempts: {
      ...store.attempts,
      async write(rows) {
        assertUp();
        await store.attempts.write(rows);
      },
    },
    backlog,
    logger: pino({ level: 'silent' }),
    onWritten: () => undefined,
  });
  t.teardown(async () => {
    await writer.close();
    await store.close();
  });
  const mend = () => {
    isDown = false;
  };
  return { writer, attempts: () => attempts, mend };
}

test('while store and backlog are down, rows that arrive do not shorten the pause before a retry', async (t) => {
  const { writer, attempts, mend } = await scene(t);
  const begun = performance.now();
  const written = [writer.write(anAttempt())];
  await until('the first write has failed', () => attempts() > 0);
  // More than a full batch, one after the other.
  for (let row = 0; row < 300; row++) {
    written.push(writer.write(anAttempt()));
    await new Promise(setImmediate);
  }
  await sleep(10);
  t.true(attempts() <= 2 + (performance.now() - begun) / RETRY_MS, `${attempts()} attempts`);
  mend();
  await Promise.all(written);
  t.is(writer.stats().pending, 0);
});

test('closing a log writer does not wait for the pause before a retry', async (t) => {
  const { writer, attempts } = await scene(t);
  const written = writer.write(anAttempt());
  const rejected = t.throwsAsync(() => written, { message: 'down' });
  await until('a write has failed', () => attempts() > 0);
  // Further ones on a machine that was busy for longer than the pause.
  const before = attempts();
  await writer.close();
  await rejected;
  // The last attempt was made at once.
  t.is(attempts(), before + 1);
});
