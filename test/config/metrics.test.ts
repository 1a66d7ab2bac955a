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
  t.is(counts.length, 1002);
  t.regex(text, /_count\{namespace="three",function="\(others\)",status="success"\} 200$/m);
  t.regex(text, /_count\{namespace="\(others\)",function="\(others\)",status="success"\} 400$/m);
  t.regex(text, /_count\{namespace="one",function="f-0",status="success"\} 2$/m);
});

test('many functions of one namespace do not use up the labels of another namespace', async (t) => {
  const metrics = createMetrics();
  const attempt = { status: 'success', seconds: 0.1 } as const;
  const [hostile, victim] = [namespaceSchema.parse('hostile'), namespaceSchema.parse('victim')];
  for (let n = 0; n < 5000; n += 1) {
    metrics.meter.attempted({ namespace: hostile, function: aName(`f-${n}`), ...attempt });
  }
  metrics.meter.attempted({ namespace: victim, function: aName('mine'), ...attempt });
  const text = await metrics.text([], ({ namespace }) => namespace === victim);
  t.regex(text, /_count\{namespace="victim",function="mine",status="success"\} 1$/m);
  const own = await metrics.text([], ({ namespace }) => namespace === hostile);
  t.regex(own, /_count\{namespace="hostile",function="\(others\)",status="success"\} \d+$/m);
});
