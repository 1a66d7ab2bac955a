import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { engineNotes, resolveSettings, saveLogin } from '../../src/cli/config.js';
import { rememberEngine } from '../../src/cli/local-engines.js';
import { AppError } from '../../src/errors.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
let places = 0;

/** Creates a home and a working directory for a test. */
function place() {
  places += 1;
  const root = join(home, String(places));
  const cwd = join(root, 'work', 'my-function');
  mkdirSync(cwd, { recursive: true });
  return { root, cwd, env: { XDG_CONFIG_HOME: join(root, 'config'), XDG_STATE_HOME: join(root, 'state') } };
}

function dataDirectory(path: string, url: string, key: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'url'), `${url}\n`);
  writeFileSync(join(path, 'admin-key'), `${key}\n`, { mode: 0o600 });
}

test('without settings the CLI uses http://127.0.0.1:4000 without a key', (t) => {
  const { env, cwd } = place();
  t.deepEqual(resolveSettings({}, env, cwd), { url: 'http://127.0.0.1:4000' });
});

test('flags take precedence over ORAMA_* variables, and both over the login', (t) => {
  const { env, cwd } = place();
  saveLogin({ url: 'https://login.example', api_key: 'ak_login:l', namespace: 'l' }, env);
  const environment = {
    ...env,
    ORAMA_URL: 'https://env.example/',
    ORAMA_API_KEY: 'ak_env:e',
    ORAMA_NAMESPACE: 'e',
  };
  t.deepEqual(resolveSettings({}, env, cwd), {
    url: 'https://login.example',
    apiKey: 'ak_login:l',
    namespace: 'l',
  });
  t.deepEqual(resolveSettings({}, environment, cwd), {
    url: 'https://env.example',
    apiKey: 'ak_env:e',
    namespace: 'e',
  });
  const flags = { url: 'https://flag.example', apiKey: 'ak_flag:f', namespace: 'f' };
  t.deepEqual(resolveSettings(flags, environment, cwd), flags);
});

test('the key of a login is not sent to another address', (t) => {
  const { env, cwd } = place();
  saveLogin({ url: 'https://login.example', api_key: 'ak_login:l', namespace: 'l' }, env);
  t.deepEqual(resolveSettings({ url: 'https://other.example' }, env, cwd), { url: 'https://other.example' });
});

test('the login file is readable by its owner only', (t) => {
  const { env } = place();
  const file = saveLogin({ url: 'https://login.example', api_key: 'ak_login:l' }, env);
  t.is(statSync(file).mode & 0o777, 0o600);
});

test('a damaged login file fails with an error that names the file', (t) => {
  const { env, cwd } = place();
  const file = saveLogin({ url: 'https://login.example', api_key: 'ak_login:l' }, env);
  writeFileSync(file, '{');
  const error = t.throws(() => resolveSettings({}, env, cwd), { instanceOf: AppError });
  t.regex(error.message, /config\.json is damaged/);
});

test('an engine with its data in a parent directory is found with its admin key', (t) => {
  const { root, env, cwd } = place();
  dataDirectory(join(root, 'work', '.orama'), 'http://127.0.0.1:4123', 'ak_admin:default');
  const found = { url: 'http://127.0.0.1:4123', apiKey: 'ak_admin:default' };
  t.deepEqual(resolveSettings({}, env, cwd), found);
  t.deepEqual(resolveSettings({ url: 'http://localhost:4123' }, env, cwd), {
    ...found,
    url: 'http://localhost:4123',
  });
  t.deepEqual(resolveSettings({ url: 'http://127.0.0.1:4124' }, env, cwd), { url: 'http://127.0.0.1:4124' });
});

test('an engine that runs elsewhere on the machine is found until it stops', (t) => {
  const { root, env, cwd } = place();
  const data = join(root, 'elsewhere');
  dataDirectory(data, 'http://127.0.0.1:4125', 'ak_admin:default');
  const forget = rememberEngine(engineNotes(env), 'http://127.0.0.1:4125', data);
  t.is(resolveSettings({}, env, cwd).apiKey, 'ak_admin:default');
  t.is(resolveSettings({ url: 'http://127.0.0.1:4125' }, env, cwd).apiKey, 'ak_admin:default');
  forget();
  t.deepEqual(resolveSettings({}, env, cwd), { url: 'http://127.0.0.1:4000' });
});

test('ORAMA_DATA_DIR selects the engine with that data directory', (t) => {
  const { root, env, cwd } = place();
  const data = join(root, 'elsewhere');
  dataDirectory(data, 'http://127.0.0.1:4126', 'ak_admin:default');
  t.is(resolveSettings({}, { ...env, ORAMA_DATA_DIR: data }, cwd).url, 'http://127.0.0.1:4126');
});
