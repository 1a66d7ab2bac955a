import test from 'ava';
import { failedRequest } from '../../workers/wasm/run/failed-request.js';

const reasonOf = (reply: object) => failedRequest(new TextEncoder().encode(JSON.stringify(reply)));

test('the reason of a failed request is found in the replies of http_fetch and http_next', (t) => {
  t.is(reasonOf({ error: 'refused "x"', status: 0 }), 'refused "x"');
  t.is(reasonOf({ handle: 2_147_483_647, error: 'refused', status: 0 }), 'refused');
});

test('a response is no failure', (t) => {
  t.is(reasonOf({ status: 200, headers: { error: 'x' }, body: '{"error":"x"}' }), null);
  t.is(reasonOf({ handle: 3, status: 500, headers: {}, body: '' }), null);
  t.is(failedRequest(new Uint8Array()), null);
});
