import { join } from 'node:path';
import test from 'ava';
import { updateSettings } from '../../src/cli/config.js';
import { findUpdate } from '../../src/cli/update-notice.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const DAY_MS = 24 * 3600 * 1000;

async function registryWith(body: unknown) {
  const asked: string[] = [];
  const server = await httpServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify(body));
  });
  return { ...server, asked };
}

test('no registry is asked unless ORAMA_UPDATE_NOTICE=true', (t) => {
  t.is(updateSettings({}), undefined);
  t.is(updateSettings({ ORAMA_UPDATE_NOTICE: 'false' }), undefined);
  t.like(updateSettings({ ORAMA_UPDATE_NOTICE: 'true', XDG_STATE_HOME: '/state' }), {
    registry: 'https://registry.npmjs.org',
    file: '/state/orama/update.json',
  });
  t.like(updateSettings({ ORAMA_UPDATE_NOTICE: 'true', npm_config_registry: 'http://own/' }), {
    registry: 'http://own/',
  });
});

test('a newer version is found, and the registry asked once a day', async (t) => {
  const registry = await registryWith({ version: '0.10.0' });
  t.teardown(registry.close);
  const now = Date.now();
  const check = { registry: `${registry.url}/`, file: join(home, 'a', 'update.json'), own: '0.9.5', now };
  t.is(await findUpdate(check), '0.10.0');
  t.is(await findUpdate({ ...check, now: now + DAY_MS - 1 }), '0.10.0');
  t.deepEqual(registry.asked, ['/orama-functions/latest']);
  t.is(await findUpdate({ ...check, now: now + DAY_MS }), '0.10.0');
  t.is(registry.asked.length, 2);
  // The version has been installed meanwhile.
  t.is(await findUpdate({ ...check, own: '0.10.0', now: now + DAY_MS }), undefined);
});

test('a registry that does not answer, or not as one, is no error', async (t) => {
  const odd = await registryWith({ version: '9.9.9\u001b[2J' });
  t.teardown(odd.close);
  const check = { file: join(home, 'b', 'update.json'), own: '0.1.0', now: Date.now() };
  t.is(await findUpdate({ ...check, registry: odd.url }), undefined);
  t.is(await findUpdate({ ...check, registry: 'http://127.0.0.1:2' }), undefined);
});
