import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { createMetrics } from '../../src/metrics.js';
import { aName } from '../helpers/attempt.js';

test('functions beyond a number come under one name: labels have an end, names have none', async (t) => {
  const metrics = createMetrics();
  const namespace = namespaceSchema.parse('many');
  const attempt = { status: 'success', seconds: 0.1 } as const;
  for (let n = 0; n < 1200; n += 1) {
    metrics.meter.attempted({ namespace, function: aName(`f-${n}`), ...attempt });
  }
  metrics.meter.attempted({ namespace, function: aName('f-0'), ...attempt });
  const text = await metrics.text([]);
  const counts = text.match(/^orama_attempt_duration_seconds_count\{.*$/gm) ?? [];
  t.is(counts.length, 1001);
  t.regex(text, /_count\{namespace="\(others\)",function="\(others\)",status="success"\} 200$/m);
  t.regex(text, /_count\{namespace="many",function="f-0",status="success"\} 2$/m);
});
