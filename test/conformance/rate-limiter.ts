import test from 'ava';
import type { RateLimiter } from '../../src/ports/rate-limiter.js';

/** Tests for every driver of the RateLimiter port. */
export function rateLimiterConformance(driver: string, open: () => Promise<RateLimiter>): void {
  let limiter: RateLimiter;
  test.serial.before(async () => {
    limiter = await open();
  });
  test.serial.after.always(() => limiter?.close());

  async function allowedOf(calls: number, key: string, limit: number, points?: number): Promise<number> {
    const verdicts = await Promise.all(
      Array.from({ length: calls }, () => limiter.consume(key, limit, points)),
    );
    return verdicts.filter((verdict) => verdict.allowed).length;
  }

  for (const limit of [1, 10, 99, 250, 5000]) {
    test(`${driver}: exactly ${limit} of ${limit + 100} concurrent calls are allowed by a limit of ${limit}`, async (t) => {
      t.is(await allowedOf(limit + 100, `exact ${limit}`, limit), limit);
    });
  }

  test(`${driver}: retryAfterSeconds is 0 for an allowed call and between 1 and 60 for a rejected one`, async (t) => {
    t.deepEqual(await limiter.consume('wait', 1), { allowed: true, retryAfterSeconds: 0 });
    for (let i = 0; i < 3; i += 1) {
      const { allowed, retryAfterSeconds } = await limiter.consume('wait', 1);
      t.false(allowed);
      t.true(Number.isInteger(retryAfterSeconds) && retryAfterSeconds >= 1 && retryAfterSeconds <= 60);
    }
  });

  test(`${driver}: a call can consume several points`, async (t) => {
    t.is(await allowedOf(20, 'points', 100, 10), 10);
    t.false((await limiter.consume('too many', 10, 11)).allowed);
  });

  test(`${driver}: a refused call consumes no points: smaller calls pass until the limit is reached`, async (t) => {
    t.is(await allowedOf(1, 'batches', 300, 10), 1);
    for (let i = 0; i < 5; i += 1) t.is(await allowedOf(1, 'batches', 300, 1000), 0);
    t.is(await limiter.used('batches'), 10);
    t.is(await allowedOf(400, 'batches', 300), 290);
    t.is(await allowedOf(1, 'batches', 1500, 1000), 1, 'the limit is raised');
  });

  test(`${driver}: keys are counted separately`, async (t) => {
    t.is(await allowedOf(20, 'namespace:a', 5), 5);
    t.is(await allowedOf(20, 'namespace:b', 5), 5);
    t.is(await allowedOf(20, 'address:::1', 5), 5);
  });

  test(`${driver}: a changed limit applies immediately and includes earlier calls`, async (t) => {
    t.is(await allowedOf(20, 'changed', 600_000), 20);
    t.is(await allowedOf(20, 'changed', 10), 0, 'lowered below the current use');
    t.is(await allowedOf(100, 'changed', 50), 30, 'raised');
    t.is(await allowedOf(100, 'changed', 50), 0);
    t.is(await allowedOf(20, 'changed', 600_000), 20);
  });

  test(`${driver}: a limit of 0 rejects every call`, async (t) => {
    t.is(await allowedOf(3, 'closed', 0), 0);
  });
}
