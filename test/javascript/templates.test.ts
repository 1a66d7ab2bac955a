import test from 'ava';
import { successfulCli } from '../helpers/cli.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const engine = shared(() => startEngine());

/** Creates and deploys a function from the template as its author would. */
async function deployed(language: string, template: string) {
  const { url, adminKey, api } = await engine();
  const name = `${template}-${language}`;
  const env = { ORAMA_URL: url, ORAMA_API_KEY: adminKey };
  const orama = successfulCli({ home, env });
  await orama('function', 'init', name, '--lang', language, '--template', template);
  await orama('function', 'deploy', name);
  return {
    call: (input: string) => api.invoke(name, input),
    said: async () => {
      const { json } = await api.get(`/v1/functions/${name}/logs?limit=1`);
      return JSON.stringify(json.logs[0]);
    },
  };
}

for (const language of ['typescript', 'javascript']) {
  test.serial(`the http template of ${language} answers an empty body`, async (t) => {
    const { call } = await deployed(language, 'http');
    for (const input of ['', 'no JSON', 'null']) {
      const { status, json } = await call(input);
      t.is(status, 200, input);
      t.is(json.greeting, 'Hello, World!');
    }
  });

  test.serial(
    `the event template of ${language} reads the envelope, and says what it got else`,
    async (t) => {
      const { call, said } = await deployed(language, 'event');
      const common = { topic: 'greetings:new', namespace: 'default', trigger_depth: 1, timestamp: 0 };
      const greeted = await call(JSON.stringify({ ...common, data: { name: 'Ada' } }));
      t.true(greeted.json.count > 0, greeted.text);
      for (const input of [JSON.stringify({ ...common, data: {} }), '{"topic":"x"}']) {
        t.is((await call(input)).status, 422);
        t.regex(await said(), /and got: \{\\"topic\\"/);
      }
      t.is((await call('')).status, 422);
      t.regex(await said(), /and got: "/);
    },
  );

  test.serial(`the cron template of ${language} reads the envelope`, async (t) => {
    const { call } = await deployed(language, 'cron');
    const common = { namespace: 'default', trigger_depth: 1, timestamp: 0 };
    const tick = { cron: '*/5 * * * *', scheduled_at: '2026-01-01T00:05:00Z', ...common };
    const { runs } = (await call(JSON.stringify(tick))).json;
    t.deepEqual((await call(JSON.stringify(tick))).json, { runs: runs + 1 });
    t.is((await call('')).status, 422);
  });
}
