import test from 'ava';
import { deadLetterSeries } from '../../src/compose/readings.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { createMetrics } from '../../src/metrics.js';
import { aName } from '../helpers/attempt.js';

test('functions beyond a number come under one name: labels have an end, names have none', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  for (const each of ['one', 'two', 'three', 'four']) {
    const namespace = namespaceSchema.parse(each);
    for (let n = 0; n < 400; n += 1) {
      metrics.meter.attempted({ namespace, function: aName(`f-${n}`), ...attempt });
    }
  }
  metrics.meter.attempted({ namespace: namespaceSchema.parse('one'), function: aName('f-0'), ...attempt });
  const text = await metrics.text([]);
  const counts = text.match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  // 400, 300, 150 and 75 names, and one series for the rest of each but the first.
  t.is(counts.length, 928);
  t.regex(text, /_count\{namespace="three",function="\(others\)",status="success"\} 250$/m);
  t.regex(text, /_count\{namespace="one",function="f-0",status="success"\} 2$/m);
});

test('labels have an end also with ever more namespaces', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  for (let n = 0; n < 3000; n += 1) {
    const namespace = namespaceSchema.parse(`n-${n}`);
    metrics.meter.attempted({ namespace, function: aName('f'), ...attempt });
  }
  const counts = (await metrics.text([])).match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  t.is(counts.length, 1001);
  t.regex(counts.join('\n'), /\{namespace="\(others\)",function="\(others\)",status="success"\} 2000$/m);
});

test('names of several namespaces do not take the series of another', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  const [hostile, victim] = [namespaceSchema.parse('hostile'), namespaceSchema.parse('victim')];
  for (const namespace of [hostile, ...['more', 'and-more'].map((name) => namespaceSchema.parse(name))]) {
    for (let n = 0; n < 2000; n += 1) {
      metrics.meter.attempted({ namespace, function: aName(`f-${n}`), ...attempt });
    }
  }
  metrics.meter.attempted({ namespace: victim, function: aName('mine'), ...attempt });
  const text = await metrics.text([], ({ namespace }) => namespace === victim);
  t.regex(text, /_count\{namespace="victim",function="mine",status="success"\} 1$/m);
  const own = await metrics.text([], ({ namespace }) => namespace === hostile);
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
