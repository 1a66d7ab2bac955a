import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { addInstallationGauges, deadLetterSeries } from '../../src/compose/gauges.js';
import { MetricsTexts } from '../../src/compose/metrics-texts.js';
import { type Namespace, namespaceSchema } from '../../src/contract/ids.js';
import { createMetrics, type Metrics } from '../../src/metrics.js';
import type { OwnSeries } from '../../src/ports/meter.js';
import { aName } from '../helpers/attempt.js';
import { until } from '../helpers/until.js';

/** Returns the text of a process that has no peers. */
async function textOf(metrics: Metrics, own?: OwnSeries): Promise<string> {
  return metrics.text([], await metrics.readInstallation(own), own);
}

/** Reads nothing from servers. */
const noReads = async () => undefined;

/** The series of a namespace. */
function ownOf(namespace: Namespace): OwnSeries {
  return { namespace, has: (series) => series.namespace === namespace };
}

test('functions and namespaces beyond the label limits share the label (others)', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  for (const each of ['one', 'two', 'three', 'four']) {
    const namespace = namespaceSchema.parse(each);
    for (let n = 0; n < 400; n += 1) {
      metrics.meter.attempted({ namespace, function: aName(`f-${n}`), ...attempt });
    }
  }
  metrics.meter.attempted({ namespace: namespaceSchema.parse('one'), function: aName('f-0'), ...attempt });
  const text = await textOf(metrics);
  const counts = text.match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  // 400, 300, 150 and 75 names, and one series for the rest of each but the first.
  t.is(counts.length, 928);
  t.regex(text, /_count\{namespace="three",function="\(others\)",status="success"\} 250$/m);
  t.regex(text, /_count\{namespace="one",function="f-0",status="success"\} 2$/m);
});

test('many keys of a namespace do not delay the metrics of others', async (t) => {
  const texts = new MetricsTexts();
  const made: string[] = [];
  const get = (owner: string, key: string) =>
    texts.get(owner, key, noReads, async () => {
      await sleep(10);
      made.push(key);
      return key;
    });
  const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`);
  const all = keys.map((key) => get('hostile', key));
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  await get('', 'operator');
  t.true(made.length <= 3, made.join());
  await Promise.all(all);
});

test('after a text, the next one begins only after a pause', async (t) => {
  const texts = new MetricsTexts();
  const began: number[] = [];
  const make = async () => {
    began.push(performance.now());
    await sleep(50);
    return '';
  };
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  await texts.get('one', 'one', noReads, make);
  await texts.get('one', 'one', noReads, make);
  // Four times what the first has taken.
  t.true((began[1] ?? 0) - (began[0] ?? 0) >= 245, began.join());
});

test('however often the metrics are requested, the process has most of its time for others', async (t) => {
  const metrics = createMetrics();
  for (const each of ['one', 'two']) {
    const namespace = namespaceSchema.parse(each);
    metrics.meter.attempted({ namespace, function: aName('f'), status: 'success', seconds: 0.1 });
  }
  const ended: Record<string, number> = { one: 0, two: 0, victim: 0 };
  const time = { now: 0, made: 0, slept: 0 };
  const texts = new MetricsTexts({
    now: () => time.now,
    async sleep(ms) {
      // All clients have received their texts and requested the next ones.
      await new Promise(setImmediate);
      time.now += ms;
      time.slept += ms;
    },
  });
  const client = async (namespace: string) => {
    while (time.now < 60_000) {
      const text = await texts.get(namespace, namespace, noReads, async () => {
        time.now += 100;
        time.made += 100;
        return textOf(metrics, ownOf(namespaceSchema.parse(namespace)));
      });
      t.is(text.includes(`namespace="${namespace}"`), namespace !== 'victim');
      ended[namespace] = (ended[namespace] ?? 0) + 1;
    }
  };
  await Promise.all([...Array(8).fill('one'), ...Array(8).fill('two'), 'victim'].map(client));
  await until('the last pause', () => time.slept === 4 * time.made);
  // A text and its pause take 500 ms, and the three are served in turn; eight requests share a
  // text.
  t.deepEqual(ended, { one: 8 * 41, two: 8 * 41, victim: 41 });
});

test('the pause after metrics that took long is at most 5 s', async (t) => {
  let now = 0;
  const paused = new Promise<number>((resolve) => {
    const texts = new MetricsTexts({ now: () => now, sleep: async (ms) => resolve(ms) });
    void texts.get('', 'all', noReads, async () => {
      now += 60_000;
      return '';
    });
  });
  t.is(await paused, 5000);
});

test('the time that a text waits for servers does not lengthen the pause after it', async (t) => {
  let now = 0;
  const paused = new Promise<number>((resolve) => {
    const texts = new MetricsTexts({ now: () => now, sleep: async (ms) => resolve(ms) });
    const read = async () => {
      now += 2000;
    };
    const make = async () => {
      now += 10;
      return '';
    };
    void texts.get('', 'all', read, make);
  });
  t.is(await paused, 40);
});

test('of dead letters, so many namespaces and reasons have series, the rest one together, and each namespace sees its own', async (t) => {
  const metrics = createMetrics();
  const letters = Array.from({ length: 3000 }, (_, n) => ({
    namespace: `ns-${n}`,
    reason: 'error',
    count: 1 + (n % 7),
  }));
  const none = { waiting: 0, running: 0, retrying: 0, oldestMs: 0, bytes: 0 };
  addInstallationGauges({
    metrics,
    queue: { counts: async () => none },
    store: {
      attempts: {
        countDead: async () => letters,
        deadGroups: async (namespace) =>
          letters
            .filter((letter) => letter.namespace === namespace)
            .flatMap(({ reason, count }) =>
              // Two functions of the namespace.
              [count - 1, 1].map((of, n) => ({
                ...{ function: aName(`f-${n}`), reason, count: of },
                ...{ oldestAt: 0, newestAt: 0 },
              })),
            ),
        countEnded: async () => 20_000,
      },
    },
    backlog: { size: async () => 0 },
  });
  // One of the smallest, which shares the series of the others.
  const smallest = await textOf(metrics, ownOf(namespaceSchema.parse('ns-7')));
  t.deepEqual(smallest.match(/^orama_dead_letters\{.*$/gm), [
    'orama_dead_letters{namespace="ns-7",reason="error"} 1',
  ]);
  const text = await textOf(metrics);
  t.notRegex(text, /"ns-7"/);
  const series = text.match(/^orama_dead_letters\{.*$/gm) ?? [];
  t.is(series.length, 1001);
  const sum = series.reduce((all, line) => all + Number(line.split(' ').at(-1)), 0);
  t.is(
    sum,
    letters.reduce((all, { count }) => all + count, 0),
    'none is left out',
  );
  t.regex(text, /^orama_dead_letters\{namespace="\(others\)",reason="\(others\)"\} \d+$/m);
});

test('the metrics of one scrape have the same counts of the queue', async (t) => {
  const metrics = createMetrics();
  let reads = 0;
  addInstallationGauges({
    metrics,
    queue: {
      async counts() {
        reads += 1;
        return { waiting: reads, running: 0, retrying: 0, oldestMs: reads * 1000, bytes: reads };
      },
    },
    store: {
      attempts: { countDead: async () => [], countEnded: async () => 0, deadGroups: async () => [] },
    },
    backlog: { size: async () => 0 },
  });
  for (let scrape = 1; scrape <= 2; scrape += 1) {
    const text = await textOf(metrics);
    t.regex(text, new RegExp(`^orama_queue_depth\\{state="waiting"\\} ${scrape}$`, 'm'));
    t.regex(text, new RegExp(`^orama_invocations\\{state="waiting"\\} ${scrape}$`, 'm'));
    t.regex(text, new RegExp(`^orama_queue_oldest_seconds ${scrape}$`, 'm'));
    t.regex(text, new RegExp(`^orama_queue_input_bytes ${scrape}$`, 'm'));
  }
});

test('a server that does not answer takes its own metrics away and not the page', async (t) => {
  const metrics = createMetrics();
  addInstallationGauges({
    metrics,
    queue: { counts: async () => ({ waiting: 7, running: 0, retrying: 0, oldestMs: 0, bytes: 0 }) },
    store: {
      attempts: {
        countDead: () => new Promise(() => {}),
        countEnded: () => new Promise(() => {}),
        deadGroups: () => new Promise(() => {}),
      },
    },
    backlog: { size: async () => 0 },
  });
  const text = await textOf(metrics);
  t.regex(text, /^orama_queue_depth\{state="waiting"\} 7$/m);
  t.notRegex(text, /^orama_(invocations|dead_letters)\{/m);
});

test('the number of series is limited for any number of namespaces', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  for (let n = 0; n < 3000; n += 1) {
    const namespace = namespaceSchema.parse(`n-${n}`);
    metrics.meter.attempted({ namespace, function: aName('f'), ...attempt });
  }
  const counts = (await textOf(metrics)).match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  t.is(counts.length, 1001);
  t.regex(counts.join('\n'), /\{namespace="\(others\)",function="\(others\)",status="success"\} 2000$/m);
});

test('many functions of several namespaces do not use up the series of another namespace', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  const [hostile, victim] = [namespaceSchema.parse('hostile'), namespaceSchema.parse('victim')];
  for (const namespace of [hostile, ...['more', 'and-more'].map((name) => namespaceSchema.parse(name))]) {
    for (let n = 0; n < 2000; n += 1) {
      metrics.meter.attempted({ namespace, function: aName(`f-${n}`), ...attempt });
    }
  }
  metrics.meter.attempted({ namespace: victim, function: aName('mine'), ...attempt });
  const text = await textOf(metrics, ownOf(victim));
  t.regex(text, /_count\{namespace="victim",function="mine",status="success"\} 1$/m);
  const own = await textOf(metrics, ownOf(hostile));
  t.regex(own, /_count\{namespace="hostile",function="\(others\)",status="success"\} \d+$/m);
});

test('dead letters of ever more namespaces are a bounded number of series, of which none is lost', (t) => {
  const counts = Array.from({ length: 3000 }, (_, n) => ({ namespace: `n-${n}`, reason: 'error', count: n }));
  const series = deadLetterSeries(counts);
  t.is(series.length, 1001);
  t.deepEqual(series[0], { labels: { namespace: 'n-2999', reason: 'error' }, value: 2999 });
  t.deepEqual(series[1000]?.labels, { namespace: '(others)', reason: '(others)' });
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  t.is(total(series.map(({ value }) => value)), total(counts.map(({ count }) => count)));
});
