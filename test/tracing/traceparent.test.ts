import test from 'ava';
import { startServerSpan } from '../../src/http/trace.js';
import { openTracer } from '../../src/tracing/open.js';

const TRACE = 'a'.repeat(32);
const PARENT = 'b'.repeat(16);

/**
 * Returns the trace context that a request with this header passes on, without and with a
 * collector.
 */
async function passedOn(header: string) {
  const ctx = {
    req: { headers: { traceparent: header } },
    method: 'POST',
    path: '/v1/functions/hello/invoke',
    state: { route: '/v1/functions/{name}/invoke' },
  } as never;
  const tracers = [openTracer(undefined), openTracer('http://127.0.0.1:9')];
  const contexts = tracers.map((tracer) => startServerSpan(tracer, ctx, 'invoke').traceparent);
  await Promise.all(tracers.map((tracer) => tracer.close()));
  return contexts;
}

for (const [what, header] of [
  ['the version ff', `ff-${TRACE}-${PARENT}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['further fields in version 00', `00-${TRACE}-${PARENT}-01-more`],
  ['further text without a separator', `01-${TRACE}-${PARENT}-01more`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
] as const) {
  test(`a trace context with ${what} is ignored`, async (t) => {
    const [plain, traced] = await passedOn(header);
    t.is(plain, undefined);
    t.false(traced?.includes(TRACE) || traced?.includes(PARENT) || traced?.startsWith('ff'));
  });
}

for (const header of [
  `00-${TRACE}-${PARENT}-03`,
  `01-${TRACE}-${PARENT}-01`,
  `cc-${TRACE}-${PARENT}-01-more`,
]) {
  test(`the trace of ${header.slice(0, 2)}${header.slice(52)} is continued in version 00`, async (t) => {
    const [plain, traced] = await passedOn(header);
    const flags = header.startsWith('00') ? '03' : '01';
    t.is(plain, `00-${TRACE}-${PARENT}-${flags}`);
    t.regex(traced ?? '', new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  });
}

test('the trace of a later version that is not sampled is passed on and not recorded', async (t) => {
  const context = `00-${TRACE}-${PARENT}-00`;
  t.deepEqual(await passedOn(`01-${TRACE}-${PARENT}-02`), [context, context]);
});
