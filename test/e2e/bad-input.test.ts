import test from 'ava';
import { probeWasm } from '../helpers/probe.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { assemble } from '../helpers/wat.js';

let engine: TestEngine;
test.before(async () => {
  engine = await startEngine();
});
test.after.always(() => engine.close());

/** Creates a module that imports `env.<name>` and has a memory and an empty `_start`. */
function moduleWithImport(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[2, 8 + bytes.length, 1, 3, 0x65, 0x6e, 0x76, bytes.length, ...bytes, 0, 0],
    ...[3, 2, 1, 0],
    ...[5, 3, 1, 0, 1],
    ...[7, 19, 2, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0, 6, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0, 1],
    ...[10, 4, 1, 2, 0, 0x0b],
  ]);
}

const fields: [field: string, value: string, sentence: RegExp][] = [
  ['memory_limit_mb', '512', /memory_limit_mb.*1.*256.*512/],
  ['memory_limit_mb', '0', /memory_limit_mb.*1.*256.*0/],
  ['memory_limit_mb', 'much', /memory_limit_mb.*much/],
  ['timeout_seconds', '301', /timeout_seconds.*1.*300.*301/],
  ['retry_count', '26', /retry_count.*0.*25.*26/],
  ['retry_count', '1.5', /retry_count.*1\.5/],
  ['retry_delay_seconds', '3601', /retry_delay_seconds.*0.*3600.*3601/],
  ['is_public', 'maybe', /is_public.*maybe/],
  ['colour', 'green', /colour/],
  ['metadata', '{"env":{"A":1}}', /env.*A/],
  ['metadata', '{"triggers":[{"topik":"x"}]}', /triggers/],
  ['metadata', '{"triggers":[{"cron":"never"}]}', /cron.*never/],
  ['metadata', '{"retry_backoff":"random"}', /backoff/],
  ['metadata', 'nonsense', /metadata.*JSON/],
];
for (const [field, value, sentence] of fields) {
  test(`a deploy with ${field}=${value} returns 400 with the reason and deploys nothing`, async (t) => {
    const reply = await engine.api.deploy('refused', await probeWasm(), { [field]: value });
    t.is(reply.status, 400, reply.text);
    t.regex(reply.json.error, sentence);
    t.is(typeof reply.json.code, 'string');
    t.is((await engine.api.get('/v1/functions/refused')).status, 404);
  });
}

for (const name of ['a/b', 'a b', '', 'x'.repeat(65), 'secrets', '..', 'ü']) {
  test(`a function cannot be named ${JSON.stringify(name)}`, async (t) => {
    const reply = await engine.api.deploy(name, await probeWasm());
    t.is(reply.status, 400, reply.text);
    t.regex(reply.json.error, /name/);
  });
}

test('deploying a file that is not WASM returns 400', async (t) => {
  const reply = await engine.api.deploy('refused', new TextEncoder().encode('#!/bin/sh\necho no'));
  t.is(reply.status, 400, reply.text);
  t.regex(reply.json.error, /WASM|WebAssembly/i);
});

test('deploying a truncated module returns 400', async (t) => {
  const wasm = await probeWasm();
  const reply = await engine.api.deploy('refused', wasm.subarray(0, wasm.length >> 1));
  t.is(reply.status, 400, reply.text);
});

test('deploying a module with an unknown import returns 400 and names the import', async (t) => {
  const reply = await engine.api.deploy('refused', moduleWithImport('launch_missiles'));
  t.is(reply.status, 400, reply.text);
  t.regex(reply.json.error, /launch_missiles/);
});

test('deploying a module of 33 MB returns 413', async (t) => {
  const reply = await engine.api.deploy('refused', new Uint8Array(33 << 20));
  t.is(reply.status, 413, reply.text);
  t.regex(reply.json.error, /32 MB/);
});

test('deploying a module whose initial memory exceeds memory_limit_mb returns 400 and states the limit', async (t) => {
  const wasm = await assemble('(module (memory (export "memory") 32) (func (export "_start")))');
  const reply = await engine.api.deploy('refused', wasm, { memory_limit_mb: '1' });
  t.is(reply.status, 400, reply.text);
  t.regex(reply.json.error, /1 MB/);
});

test('an input of 2 MB returns 413', async (t) => {
  await engine.api.deploy('accepted', await probeWasm());
  const reply = await engine.api.invoke('accepted', new Uint8Array(2 << 20));
  t.is(reply.status, 413, reply.text);
  t.regex(reply.json.error, /1 MB/);
});

test('unknown functions and versions return 404 with the name or version in the error', async (t) => {
  await engine.api.deploy('accepted', await probeWasm());
  for (const path of ['nobody', 'accepted@999', 'nobody@1']) {
    const reply = await engine.api.invoke(path, '');
    t.is(reply.status, 404, path);
    t.regex(reply.json.error, /nobody|999/);
  }
});

test('JSON endpoints return 400 for a body that is not JSON', async (t) => {
  await engine.api.deploy('accepted', await probeWasm());
  const paths = ['/v1/pubsub/publish', '/v1/functions/accepted/triggers', '/v1/auth/keys'];
  for (const path of paths) {
    const headers = { 'content-type': 'application/json' };
    const reply = await engine.api.request('POST', path, { headers, body: '{"topic":' });
    t.is(reply.status, 400, path);
    t.regex(reply.json.error, /JSON/);
  }
});

test('a wrong or missing API key returns 401', async (t) => {
  for (const key of ['ak_wrong:default', 'nonsense', undefined]) {
    const reply = await engine.api.as(key).get('/v1/functions');
    t.is(reply.status, 401, String(key));
    t.is(typeof reply.json.error, 'string');
  }
});

test('the engine is healthy despite invalid requests', async (t) => {
  t.is((await engine.api.get('/health')).status, 200);
});
