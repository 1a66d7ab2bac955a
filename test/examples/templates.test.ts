import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseManifest } from '../../src/cli/yaml/manifest.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { check } from '../../workers/wasm/run/module-check.js';
import { successfulCli } from '../helpers/cli.js';
import { COMPILERS } from '../helpers/compilers.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();
const engine = shared(() => startEngine());

/** Serial, since a compiler uses all cores. */
for (const [language, { title, found }] of Object.entries(COMPILERS)) {
  const run = found ? test.serial : test.serial.skip;

  /**
   * Creates, builds and deploys a function from the template as its author would, without a
   * network.
   */
  const deployed = async (template: string) => {
    const { url, adminKey, api } = await engine();
    const name = `${template}-${language}`;
    const env = { ORAMA_URL: url, ORAMA_API_KEY: adminKey, GOPROXY: 'off', CARGO_NET_OFFLINE: 'true' };
    const orama = successfulCli({ home, env });
    await orama('function', 'init', name, '--lang', language, '--template', template);
    await orama('function', 'deploy', name);
    return { name, orama, api, directory: join(home, name) };
  };

  run(
    `the http template of ${language} greets the name of the body or query, or World (${title})`,
    async (t) => {
      const { name, orama, api, directory } = await deployed('http');
      const { settings } = parseManifest(readFileSync(join(directory, 'function.yaml'), 'utf8'));
      t.is<string, string>(settings.name, name);
      const module = parse(readFileSync(join(directory, 'function.wasm')));
      t.is(check(module, 64).kind, 'command');
      const ada = '{"greeting":"Hello, Ada!"}';
      t.is((await orama('function', 'invoke', name, '--data', '{"name": "Ada"}')).trim(), ada);
      t.deepEqual((await api.invoke(name, '')).json, { greeting: 'Hello, World!' });
      t.deepEqual((await api.invoke(name, 'no JSON')).json, { greeting: 'Hello, World!' });
      t.is((await orama('function', 'invoke', name, '--http', 'GET /?name=Ada')).trim(), ada);
      const posted = await orama(
        'function',
        'invoke',
        name,
        '--http',
        'POST /',
        '-d',
        '{"name":"Ada"}',
        '--json',
      );
      const reply = JSON.parse(posted);
      t.is(reply.status, 200);
      t.is(reply.headers['content-type'], 'application/json');
      t.is(reply.body.trim(), ada);
    },
  );

  run(
    `the event template of ${language} greets the name of the event, and logs an invalid event`,
    async (t) => {
      const { name, orama, api } = await deployed('event');
      await orama('function', 'publish', 'greetings:new', '--data', '{"name": "Ad\\u00e4 \\"A\\""}');
      const [log] = await until('the event is logged', async () => {
        const { json } = await api.get(`/v1/functions/${name}/logs`);
        return json.count === 1 && json.logs;
      });
      t.is(log.status, 'success');
      t.is(log.trigger, 'pubsub');
      t.true(log.messages[0].message.endsWith('Hello, Adä "A"!'), log.messages[0].message);
      const refused = await api.invoke(name, '{"topic":"greetings:new","data":{}}');
      t.true(refused.status >= 400);
      const { json } = await api.get(`/v1/functions/${name}/logs?limit=1`);
      t.regex(json.logs[0].messages[0].message, /and got: \{"topic"/);
    },
  );

  run(`the cron template of ${language} counts its runs and fails for an invalid event`, async (t) => {
    const { name, api } = await deployed('cron');
    const { json } = await api.get(`/v1/functions/${name}/triggers`);
    t.is(json.triggers[0].cron, '*/5 * * * *');
    const input = { cron: '*/5 * * * *', scheduled_at: '2026-01-01T00:05:00Z' };
    const { runs } = (await api.invoke(name, JSON.stringify(input))).json;
    t.deepEqual((await api.invoke(name, JSON.stringify(input))).json, { runs: runs + 1 });
    t.true((await api.invoke(name, '{}')).status >= 400);
  });
}
