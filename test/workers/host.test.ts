import test from 'ava';
import { createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import { createHost } from '../../workers/delivery/host.js';

test('http_fetch and http_start take null as the headers for none, and refuse anything but a map of strings', async (t) => {
  const sent: string[][] = [];
  const deps = {
    buffers: createBufferBudget(HOST_CALLS),
    depths: { sign: () => 'depth' },
    egress: {
      check: async () => undefined,
      fetch: async ({ headers }: { headers: Record<string, string> }) => {
        sent.push(Object.keys(headers));
        return { status: 204, headers: {}, body: new Uint8Array() };
      },
    },
  };
  const { signal } = new AbortController();
  const host = createHost(deps as never, {
    invocation: { namespace: 'default', triggerDepth: 0 } as never,
    function: { timeout_seconds: 1, metadata: {} } as never,
  });
  const fetch = async (headers: string) =>
    JSON.parse(String(await host.http_fetch('GET', 'http://x/', headers, new Uint8Array(), signal)));
  for (const headers of ['', 'null', '{}', '{"a":"b"}']) t.is((await fetch(headers)).status, 204, headers);
  t.deepEqual(sent, [['x-orama-depth'], ['x-orama-depth'], ['x-orama-depth'], ['a', 'x-orama-depth']]);
  for (const headers of ['[]', '{"a":1}', '{', '"a"', 'nul']) t.is((await fetch(headers)).status, 0, headers);
  t.is(await host.http_start('GET', 'http://x/', 'null', new Uint8Array(), signal), 1);
});
