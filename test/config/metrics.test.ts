import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { createMetrics } from '../../src/metrics.js';
import { aName } from '../helpers/attempt.js';

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
  const text = await metrics.text([]);
  const counts = text.match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  // 400, 300, 150 and 75 names, and one series for the rest of each but the first.
  t.is(counts.length, 928);
  t.regex(text, /_count\{namespace="three",function="\(others\)",status="success"\} 250$/m);
  t.regex(text, /_count\{namespace="one",function="f-0",status="success"\} 2$/m);
});

test('the number of series is limited for any number of namespaces', async (t) => {
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
  const text = await metrics.text([], ({ namespace }) => namespace === victim);
  t.regex(text, /_count\{namespace="victim",function="mine",status="success"\} 1$/m);
  const own = await metrics.text([], ({ namespace }) => namespace === hostile);
  t.regex(own, /_count\{namespace="hostile",function="\(others\)",status="success"\} \d+$/m);
});
