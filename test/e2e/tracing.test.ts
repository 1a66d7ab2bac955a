import test from 'ava';
import type { JsonValue } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { httpServer } from '../helpers/http-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

test('spans link the client to the queue, run and host calls of an invocation and to those it triggers', async (t) => {
  const spans: JsonValue[] = [];
  const collector = await httpServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    if (request.url === '/v1/traces') {
      for (const resource of JSON.parse(body).resourceSpans) {
        for (const scope of resource.scopeSpans) spans.push(...scope.spans);
      }
    }
    response.end('{}');
  });
  t.teardown(collector.close);
  const cluster = await startCluster({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  t.teardown(cluster.close);
  const [{ api }] = await Promise.all([cluster.web(), cluster.worker()]);
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'next' }] }),
  });

  const trace = 'a'.repeat(32);
  const client = 'b'.repeat(16);
  const input = commands({ op: 'cache_get', a: 'k' }, { op: 'publish', a: 'next', json: [] });
  const reply = await api.invoke('probe', input, { traceparent: `00-${trace}-${client}-01` });
  t.is(reply.status, 200);

  const below = (name: string, parent: string) =>
    spans.find((span) => span.name === name && span.parentSpanId === parent && span.traceId === trace);
  const follow = (names: string[]) =>
    until(names.join(' > '), async () => {
      let parent = client;
      for (const name of names) {
        const span = below(name, parent);
        if (!span) return false;
        parent = span.spanId;
      }
      return parent;
    });
  const run = ['invoke probe', 'queue probe', 'run probe'];
  await follow([...run, 'cache_get']);
  await follow([...run, 'queue probe', 'run probe']);
  const valuesOf = (name: string) =>
    Object.fromEntries(
      spans
        .find((span) => span.name === name && span.traceId === trace)
        ?.attributes.map(({ key, value }: JsonValue) => [key, value]),
    );
  t.deepEqual(valuesOf('invoke probe'), {
    'http.request.method': { stringValue: 'POST' },
    'url.path': { stringValue: '/v1/functions/probe/invoke' },
    'http.route': { stringValue: '/v1/functions/{name}/invoke' },
    'http.response.status_code': { intValue: '200' },
  });
  t.deepEqual(valuesOf('run probe')['orama.attempt'], { intValue: '1' });
  for (const span of spans) t.true(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);

  const unsampled = 'c'.repeat(32);
  const later = 'd'.repeat(32);
  await api.invoke('probe', '{}', { traceparent: `00-${unsampled}-${client}-00` });
  await api.invoke('probe', '{}', { traceparent: `00-${later}-${client}-01` });
  await until('the later run', async () =>
    spans.some((span) => span.traceId === later && span.name === 'run probe'),
  );
  t.false(spans.some((span) => span.traceId === unsampled));

  for (const body of ['{}', '{"other":1}']) await api.invoke('probe', body, { 'idempotency-key': 'k' });
  const refused = await until('the span of a refused call', () =>
    spans.find(({ status }) => status.code === 2),
  );
  t.like(refused.attributes.at(-1), { key: 'http.response.status_code', value: { intValue: '422' } });

  await collector.close();
  t.is((await api.invoke('probe', '{}')).status, 200);
});
