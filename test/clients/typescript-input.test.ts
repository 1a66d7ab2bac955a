import test from 'ava';
import { createClient } from '../../clients/typescript/src/index.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { client, refusing } from './typescript-client.js';

const SOURCE = Uint8Array.of(9, 0, 1, 255, 128, 9).buffer;
const CONTENT = Uint8Array.of(0, 1, 255, 128);
const SHARED = new SharedArrayBuffer(4);
new Uint8Array(SHARED).set(CONTENT);

const BYTES: Record<string, unknown> = {
  ArrayBuffer: CONTENT.buffer,
  SharedArrayBuffer: SHARED,
  DataView: new DataView(SOURCE, 1, 4),
  Uint8ClampedArray: new Uint8ClampedArray(SOURCE, 1, 4),
  Uint16Array: new Uint16Array(CONTENT.buffer),
  Float32Array: new Float32Array(SHARED),
};

const LOST: Record<string, unknown> = {
  Blob: new Blob(['x']),
  ReadableStream: new Response('x').body,
  FormData: new FormData(),
  Promise: Promise.resolve(1),
  function: () => 1,
  symbol: Symbol('s'),
};

test('buffers and views of every type are sent as bytes', async (t) => {
  const orama = await client();
  for (const [type, value] of Object.entries(BYTES)) {
    const result = await orama.invoke('hello', value);
    t.deepEqual([...result.bytes], [...CONTENT], type);
    const replayed = await orama.invocations.replay(result.requestId, { input: value });
    sameBytes(
      t,
      Buffer.from((await orama.invocations.wait(replayed)).output_base64 ?? '', 'base64'),
      CONTENT,
    );
  }
  const server = await refusing(0, () => undefined);
  t.teardown(server.close);
  const publisher = createClient({ url: server.url });
  for (const value of Object.values(BYTES)) await publisher.publish('t', value);
  t.deepEqual(new Set(server.bodies), new Set(['{"topic":"t","data_base64":"AAH/gA=="}']));
});

test('a value that JSON would lose is a TypeError, and nothing is sent', async (t) => {
  const server = await refusing(0, () => undefined);
  t.teardown(server.close);
  const orama = createClient({ url: server.url });
  for (const [type, value] of Object.entries(LOST)) {
    const expected = { instanceOf: TypeError, message: new RegExp(`^A ${type} cannot be sent`) };
    await t.throwsAsync(orama.invoke('f', value), expected);
    await t.throwsAsync(orama.invokeAsync('f', value), expected);
    await t.throwsAsync(orama.publish('t', value), expected);
    await t.throwsAsync(orama.publishBatch([{ topic: 't', data: value }]), expected);
    await t.throwsAsync(orama.invocations.replay('id-1', { input: value }), expected);
    t.throws(() => orama.subscribe('t', { memberMeta: value }), expected);
  }
  t.deepEqual(server.bodies, []);
});
