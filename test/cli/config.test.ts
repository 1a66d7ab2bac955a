import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { engineNotes, loginAddress, resolveSettings, saveLogin } from '../../src/cli/config.js';
import { rememberEngine } from '../../src/cli/local-engines.js';
import { findProject } from '../../src/cli/project/project.js';
import { type Pulled, writePulled } from '../../src/cli/pull/pulled.js';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { invocationRecordSchema } from '../../src/contract/invocation.js';
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

/** A pulled invocation with a trace. */
function pulled(): Pulled {
  const invocation = invocationRecordSchema.parse({
    request_id: '01890000-0000-7000-8000-000000000000',
    namespace: 'default',
    function: 'hello',
    version: 1,
    trigger: 'http',
    trigger_depth: 0,
    parent_id: null,
    state: 'success',
    attempts: [],
    error: null,
    input_size: 1,
    output_size: 1,
    input: 'x',
    output: 'x',
    callback: null,
    created_at: '2026-01-01T00:00:00.000Z',
    completed_at: '2026-01-01T00:00:00.000Z',
  });
  return {
    invocation,
    settings: functionSettingsSchema.parse({ name: 'hello', metadata: {} }),
    env: ['REGION'],
    wasm: new Uint8Array(1),
    input: new Uint8Array(1),
    trace: { request_id: invocation.request_id, attempt: 1, calls: [], truncated: false },
  };
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

test('saving a login over a file with another mode makes the file readable by its owner only', (t) => {
  const { env } = place();
  const file = saveLogin({ url: 'https://login.example', api_key: 'ak_old:l' }, env);
  chmodSync(file, 0o644);
  saveLogin({ url: 'https://login.example', api_key: 'ak_new:l' }, env);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.regex(readFileSync(file, 'utf8'), /ak_new/);
  t.deepEqual(readdirSync(dirname(file)), ['config.json'], 'no draft is left');
});

test('no file or directory that the CLI writes is accessible to others, even with umask 0', (t) => {
  const { root, env } = place();
  const before = process.umask(0o000);
  try {
    saveLogin({ url: 'https://login.example', api_key: 'ak_login:l' }, env);
    rememberEngine(engineNotes(env), 'http://127.0.0.1:4127', join(root, 'data'));
    writePulled(join(root, 'pulled'), pulled());
  } finally {
    process.umask(before);
  }
  const kept = ['config/orama', 'state/orama/engines', 'pulled'].flatMap((name) => {
    const directory = join(root, name);
    return [directory, ...readdirSync(directory).map((file) => join(directory, file))];
  });
  t.is(kept.length, 10);
  for (const path of kept) t.is(statSync(path).mode & 0o077, 0, path);
});

test('a damaged login file fails with an error that names the file', (t) => {
  const { env, cwd } = place();
  const file = saveLogin({ url: 'https://login.example', api_key: 'ak_login:l' }, env);
  writeFileSync(file, '{');
  const error = t.throws(() => resolveSettings({}, env, cwd), { instanceOf: AppError });
  t.regex(error.message, /config\.json is damaged/);
  // A new login replaces it.
  t.is(loginAddress('http://functions.example.com/', env, cwd), 'http://functions.example.com');
  t.is(loginAddress(undefined, env, cwd), 'http://127.0.0.1:4000');
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

/** Runs `look` as another user, to whom nothing belongs that this user has made. */
function asAnother<T>(look: () => T): T {
  const { geteuid } = process;
  process.geteuid = () => (geteuid?.() ?? 0) + 1;
  try {
    return look();
  } finally {
    if (geteuid !== undefined) process.geteuid = geteuid;
  }
}

test('an engine that another user has put into a directory above is not taken', (t) => {
  const { root, env, cwd } = place();
  dataDirectory(join(root, '.orama'), 'http://127.0.0.1:4128', 'ak_planted:default');
  t.is(resolveSettings({}, env, cwd).url, 'http://127.0.0.1:4128');
  t.deepEqual(
    asAnother(() => resolveSettings({}, env, cwd)),
    { url: 'http://127.0.0.1:4000' },
  );
  // Named, it is meant.
  const named = { ...env, ORAMA_DATA_DIR: join(root, '.orama') };
  t.is(asAnother(() => resolveSettings({}, named, cwd)).url, 'http://127.0.0.1:4128');
});

test('a project that another user has put into a directory above is not taken: it runs commands', (t) => {
  const { root, cwd } = place();
  writeFileSync(join(root, 'orama.yaml'), 'functions: ["*"]');
  t.is(findProject(cwd), root);
  t.is(
    asAnother(() => findProject(cwd)),
    undefined,
  );
  t.is(
    asAnother(() => findProject(root)),
    root,
    'the directory that the user is in is meant',
  );
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

test('registering an engine removes the registrations that killed engines of its data directory left', (t) => {
  const { root, env } = place();
  const notes = engineNotes(env);
  const data = join(root, 'elsewhere');
  const running = join(root, 'running');
  dataDirectory(running, 'http://127.0.0.1:4200', 'ak_admin:default');
  rememberEngine(notes, 'http://127.0.0.1:4200', running);
  for (const port of [4201, 4202, 4203]) {
    dataDirectory(data, `http://127.0.0.1:${port}`, 'ak_admin:default');
    rememberEngine(notes, `http://127.0.0.1:${port}`, data);
  }
  t.deepEqual(readdirSync(notes).sort(), ['127.0.0.1_4200.json', '127.0.0.1_4203.json']);
});

test('ORAMA_DATA_DIR selects the engine with that data directory', (t) => {
  const { root, env, cwd } = place();
  const data = join(root, 'elsewhere');
  dataDirectory(data, 'http://127.0.0.1:4126', 'ak_admin:default');
  t.is(resolveSettings({}, { ...env, ORAMA_DATA_DIR: data }, cwd).url, 'http://127.0.0.1:4126');
});
