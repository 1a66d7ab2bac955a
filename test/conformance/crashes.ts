import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext, SerialFn } from 'ava';
import { type Child, startChild } from '../helpers/child.js';
import { until } from '../helpers/until.js';

interface Report {
  name: string;
  crashes: number;
  crashesWhileRunning: number;
  beside: number;
}

const JOBS = ['guilty', 'waiting-1', 'waiting-2'];
const LONG_MS = '600000';
const SHORT_MS = '300';
const JOURNAL_MS = 500;

/**
 * Tests for every driver of `InvocationQueue` about worker crashes; see `CrashJournal`. `where`
 * returns the driver's name and the location of its jobs, as arguments for
 * test/queues/processes/crashing.ts.
 */
export function crashesConformance<C>(
  test: SerialFn<C>,
  where: () => readonly [driver: string, place: string],
) {
  const startWorkers = (t: ExecutionContext<C>) => {
    const children: Child[] = [];
    t.teardown(() => Promise.all(children.map((child) => child.kill())));
    return async (added: readonly string[], holdMs: string) => {
      const module = new URL('../queues/processes/crashing.js', import.meta.url);
      const child = startChild(module, [...where(), added.join(','), holdMs]);
      children.push(child);
      const reports = child.messages as Report[];
      const delivered = (name: string) => reports.find((report) => report.name === name);
      return { child, reports, delivered };
    };
  };

  test('a job whose guest never begins counts crashes while running only after three crashes', async (t) => {
    const worker = startWorkers(t);
    for (const [crashes, counted] of [0, 0, 0, 0, 1, 2, 3].entries()) {
      const { child, delivered } = await worker(crashes === 0 ? ['loading'] : [], LONG_MS);
      const delivery = await until('the job is delivered', () => delivered('loading'), 60_000);
      t.like(delivery, { crashes, crashesWhileRunning: counted });
      // The journal is written asynchronously.
      await delay(JOURNAL_MS);
      await child.kill();
    }
    const last = await worker([], SHORT_MS);
    await until('the job is delivered for the last time', () => last.delivered('loading'), 60_000);
    await delay(Number(SHORT_MS) * 2);
  });

  test('only a job whose guest had begun counts crashes while running, and after two it runs alone', async (t) => {
    const worker = startWorkers(t);
    for (const [crashes, added] of [JOBS, []].entries()) {
      const { child, delivered } = await worker(added, LONG_MS);
      await until('all jobs are delivered', () => JOBS.every(delivered), 60_000);
      t.like(delivered('guilty'), { crashes, crashesWhileRunning: crashes });
      for (const name of JOBS.slice(1)) t.like(delivered(name), { crashes, crashesWhileRunning: 0 });
      // The journal is written asynchronously.
      await delay(JOURNAL_MS);
      await child.kill();
    }

    const third = await worker([], SHORT_MS);
    await until(
      'the guilty job is delivered after two crashes',
      () => third.delivered('guilty') !== undefined,
      60_000,
    );
    t.like(third.delivered('guilty'), { crashes: 2, crashesWhileRunning: 2, beside: 0 });
    // No other job is delivered beside it.
    const seen = third.reports.length;
    await delay(Number(SHORT_MS) * 2);
    t.is(third.reports.length, seen);
    await third.child.kill();

    const last = await worker(['another'], SHORT_MS);
    await until(
      'the guilty job is delivered after three crashes',
      () => last.delivered('guilty') !== undefined,
      60_000,
    );
    t.like(last.delivered('guilty'), { crashes: 3, crashesWhileRunning: 3 });
    await until(
      'another job runs beside the guilty job',
      () => last.delivered('another') !== undefined,
      60_000,
    );
    for (const { name, crashesWhileRunning } of [...third.reports, ...last.reports]) {
      if (name !== 'guilty') t.is(crashesWhileRunning, 0, name);
    }
  });
}
