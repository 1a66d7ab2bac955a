import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Rollouts, type RolloutsDeps } from '../../src/core/functions/rollouts.js';
import { createLogger } from '../../src/logger.js';
import type { Store } from '../../src/ports/store.js';
import { aDeadAttempt } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { anAnswerLike } from '../helpers/tries.js';
import { until } from '../helpers/until.js';
import { by, openUseCases } from './use-cases.js';

const directory = tempDir();
const get = shared(() => openUseCases(join(directory, 'cases')));
const request = { to: 2, steps: [10, 50], every_seconds: 60, max_error_percent: 2, min_calls: 1 };

/** Opens rollouts on a store whose parts may be replaced. */
async function openRollouts(
  t: ExecutionContext,
  {
    rollouts,
    attempts,
    ...given
  }: Partial<Store> & Pick<Partial<RolloutsDeps>, 'publisher' | 'announceAgainMs'>,
) {
  const { store, catalog, publisher } = await get();
  const warnings: unknown[][] = [];
  const logger = createLogger('silent');
  logger.warn = (...values: unknown[]) => void warnings.push(values);
  const opened = new Rollouts({
    ...{ catalog, publisher, logger, announceAgainMs: 200, ...given },
    store: { ...store, rollouts: rollouts ?? store.rollouts, attempts: attempts ?? store.attempts },
  } satisfies RolloutsDeps);
  t.teardown(() => opened.close());
  return { opened, warnings };
}

/** Deploys a function with two versions. */
async function deployTwice() {
  const { deploy } = await get();
  const { namespace, name } = await deploy();
  await deploy({}, namespace);
  return { namespace, name };
}

test.serial('a rollout that cannot be checked delays no other one, and is named in a warning', async (t) => {
  const { store } = await get();
  const broken = await deployTwice();
  const failing = await deployTwice();
  const { opened, warnings } = await openRollouts(t, {
    rollouts: {
      ...store.rollouts,
      async running() {
        const running = await store.rollouts.running();
        return running.toSorted((a, b) => a.startedAt - b.startedAt);
      },
    },
    attempts: {
      ...store.attempts,
      async figures(version) {
        if (version.namespace === broken.namespace) throw new Error('The store took too long.');
        return store.attempts.figures(version);
      },
    },
  });
  await opened.start(by, broken.namespace, broken.name, request);
  await setTimeout(2);
  await opened.start(by, failing.namespace, failing.name, request);
  const now = Date.now() + 1;
  const { namespace, name } = failing;
  await store.attempts.write([
    aDeadAttempt({ namespace, function: name, version: 2, acceptedAt: now, startedAt: now }),
  ]);
  const stateOf = async ({ namespace, name }: typeof broken) =>
    (await store.rollouts.get(namespace, name))?.state;
  await until(
    'the failing version is rolled back',
    async () => (await stateOf(failing)) === 'rolled_back',
    10_000,
  );
  t.is(await stateOf(broken), 'running');
  const [[fields] = []] = warnings;
  t.deepEqual(fields, {
    namespace: broken.namespace,
    function: broken.name,
    err: 'The store took too long.',
  });
  await store.functions.remove(broken.namespace, broken.name, anEntry());
});

test.serial(
  'a rollout that starts during a check is checked soon, and not after the pause of others',
  async (t) => {
    const { store } = await get();
    const isSoon = async () => {
      const fn = await deployTwice();
      const reads: number[] = [];
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { opened } = await openRollouts(t, {
        rollouts: {
          ...store.rollouts,
          async running() {
            reads.push(performance.now());
            if (reads.length > 1) return store.rollouts.running();
            await held;
            return [];
          },
        },
      });
      await until('a check', () => reads.length === 1);
      await opened.start(by, fn.namespace, fn.name, request);
      release();
      const releasedAt = performance.now();
      await until('the next check', () => reads.length > 1);
      await opened.close();
      await store.functions.remove(fn.namespace, fn.name, anEntry());
      return (reads[1] ?? 0) - releasedAt < 900;
    };
    t.true(await anAnswerLike(true, isSoon));
  },
);

test.serial('a step that a check has begun is checked soon', async (t) => {
  const { store } = await get();
  const isSoon = async () => {
    const { namespace, name } = await deployTwice();
    const reads: number[] = [];
    let movedAt = 0;
    const { opened } = await openRollouts(t, {
      rollouts: {
        ...store.rollouts,
        async running() {
          if (movedAt > 0) reads.push(performance.now());
          const running = await store.rollouts.running();
          // The first step began long ago.
          return running.map((each) => (each.step > 0 ? each : { ...each, stepStartedAt: 0 }));
        },
        async move(...change) {
          movedAt = performance.now();
          return store.rollouts.move(...change);
        },
      },
      attempts: { ...store.attempts, figures: async () => ({ calls: 1, errors: 0, p95Ms: 1 }) },
    });
    await opened.start(by, namespace, name, request);
    await until('a check after the change', () => reads.length > 0);
    await opened.close();
    await store.functions.remove(namespace, name, anEntry());
    return (reads[0] ?? 0) - movedAt < 900;
  };
  t.true(await anAnswerLike(true, isSoon));
});

for (const [how, fails] of [
  ['could not be published at once', async () => Promise.reject(new Error('The queue is unreachable.'))],
  ['was not published because the process was killed', () => new Promise<never>(() => undefined)],
] as const) {
  test.serial(`the end of a rollout that ${how} is published later, once`, async (t) => {
    const { publisher, store } = await get();
    const { namespace, name } = await deployTwice();
    const first = await openRollouts(t, {
      publisher: { ...publisher, publish: fails },
      announceAgainMs: 60_000,
    });
    await first.opened.start(by, namespace, name, request);
    // The killed process never answers.
    await Promise.race([first.opened.abort(by, namespace, name, 1), setTimeout(500)]);
    t.is((await store.rollouts.get(namespace, name))?.state, 'aborted');
    await first.opened.close();

    const published: string[] = [];
    await openRollouts(t, {
      publisher: {
        ...publisher,
        async publish(message) {
          if (message.namespace === namespace) published.push(message.topic);
          return publisher.publish(message);
        },
      },
    });
    await until('it is published', () => published.length > 0);
    await setTimeout(1500);
    t.deepEqual(published, ['orama:rollout']);
  });
}
