import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { cidText } from '../../src/blobs/unixfs.js';
import { createClient } from '../../src/cli/client.js';
import { applyPlan } from '../../src/cli/project/apply.js';
import type { PlannedFunction } from '../../src/cli/project/plan.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { NO_ORIGIN } from '../../src/contract/version-origin.js';
import { answeringServer, json, RECORD } from './answering-server.js';

const WASM = Buffer.from('module');

function planned(name: string, running: number | undefined): PlannedFunction {
  const settings = functionSettingsSchema.parse({ name, metadata: {} });
  return {
    name,
    action: running === undefined ? 'create' : 'update',
    running,
    changes: [],
    settings,
    wasm: WASM,
  };
}

interface Fake {
  /** Answers the deploy of `b`. */
  deploy(response: ServerResponse): void;
  /** Answers the request for the settings of `b`. */
  settings(response: ServerResponse): void;
}

/**
 * Applies a plan with the functions `a` and `b`, of which `a` is deployed. Resolves with the
 * message of the failure and the changes that follow it.
 */
async function apply(t: ExecutionContext, running: number | undefined, fake: Fake) {
  const server = await answeringServer(({ method, url, body }, response) => {
    if (method === 'GET') return fake.settings(response);
    if (url !== '/v1/functions') return json(response, 201, {});
    if (/name="name"\s+b\s/.test(body)) return fake.deploy(response);
    json(response, 201, { message: 'deployed', function: { ...RECORD, name: 'a', version: 2 } });
  });
  t.teardown(server.close);
  const stream = () => new PassThrough();
  const terminal = createTerminal({ stdin: stream(), stdout: stream(), stderr: stream() });
  const client = createClient({ url: server.env.ORAMA_URL });
  const plan = { functions: [planned('a', 1), planned('b', running)], undeclared: [] };
  const error = await t.throwsAsync(applyPlan(plan, NO_ORIGIN, client, terminal));
  const changes = server.seen
    .filter(({ method, url }) => method !== 'GET' && url !== '/v1/functions')
    .map(({ method, url, body }) => `${method} ${url} ${body}`.trim());
  return { message: error?.message ?? '', changes: changes.sort() };
}

const ambiguous = (response: ServerResponse) =>
  json(response, 503, { error: 'not confirmed', code: 'ambiguous_write' });
const newest =
  (version: number, module: Uint8Array = WASM) =>
  async (response: ServerResponse) =>
    json(response, 200, { version, wasm_cid: await cidText(module), settings: { metadata: {} } });
const none = (response: ServerResponse) => json(response, 404, { error: 'none', code: 'function_not_found' });
const ROLLBACK_A = 'POST /v1/functions/a/rollback {"version":1}';
const ROLLBACK_B = 'POST /v1/functions/b/rollback {"version":4}';

test('a function whose deploy was not confirmed is rolled back with the others if its version was added', async (t) => {
  for (const deploy of [ambiguous, (response: ServerResponse) => void response.destroy()]) {
    const added = await apply(t, 4, { deploy, settings: newest(5) });
    t.deepEqual(added.changes, [ROLLBACK_A, ROLLBACK_B]);
    t.notRegex(added.message, /could not be taken back/);
    const first = await apply(t, undefined, { deploy, settings: newest(1) });
    t.deepEqual(first.changes, ['DELETE /v1/functions/b', ROLLBACK_A]);
  }
});

test("a function whose deploy failed is left alone if its version was not added, or is somebody else's", async (t) => {
  for (const settings of [newest(4), newest(5, Buffer.from('another')), none]) {
    t.deepEqual((await apply(t, 4, { deploy: ambiguous, settings })).changes, [ROLLBACK_A]);
  }
  const refused = (response: ServerResponse) => json(response, 409, { error: 'refused', code: 'conflict' });
  t.deepEqual((await apply(t, 4, { deploy: refused, settings: newest(5) })).changes, [ROLLBACK_A]);
});

test('a function of which it cannot be read whether it was deployed is named in the error', async (t) => {
  const settings = (response: ServerResponse) => json(response, 503, { error: 'away', code: 'unavailable' });
  const { message, changes } = await apply(t, 4, { deploy: ambiguous, settings });
  t.deepEqual(changes, [ROLLBACK_A]);
  t.regex(message, /b: not confirmed\nand .* could not be taken back:\nb: it may have been deployed: away/);
});
