import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { engineNotes } from '../../src/cli/config.js';
import { rememberEngine } from '../../src/cli/local-engines.js';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json } from './answering-server.js';

const home = tempDir();

test('a change on an engine that nothing chooses names it, and is refused if several run', async (t) => {
  const server = await answeringServer(({ method }, response) => {
    json(response, 200, method === 'GET' ? { secrets: [], count: 0 } : { message: 'stored' });
  });
  t.teardown(server.close);
  const url = server.env.ORAMA_URL;
  const cwd = join(home, 'work');
  mkdirSync(cwd);
  const register = (name: string, at: string) => {
    const data = join(home, name);
    mkdirSync(data);
    writeFileSync(join(data, 'url'), at);
    writeFileSync(join(data, 'admin-key'), 'ak_admin:default');
    rememberEngine(engineNotes({ XDG_STATE_HOME: join(home, '.local', 'state') }), at, data);
    return data;
  };
  const set = (...args: string[]) =>
    runCli(['function', 'secrets', 'set', 'TOKEN', 'x', ...args], { home, cwd });

  // Registered first, as the one that started last is taken.
  const data = register('one', url);
  const alone = await set();
  t.is(alone.code, 0, alone.stderr);
  t.is(alone.stderr, `note: on ${url}, the engine that runs on this machine (${data})\n`);
  t.is((await set('--url', url)).stderr, '');
  const nowhere = await runCli(['function', 'secrets', 'set', 'TOKEN', 'x'], {
    ...{ home, cwd },
    env: { ORAMA_DATA_DIR: join(home, 'nowhere') },
  });
  t.regex(nowhere.stderr, /^note: on /, 'there is no engine in the data directory that is named');

  const other = url.replace('127.0.0.1', 'localhost');
  const later = register('two', other);
  const list = `${other} (${later}), ${url} (${data})`;
  const refused = await set();
  t.is(refused.code, 1);
  t.is(
    refused.stderr,
    `error: Several engines run on this machine, and none of this directory or one above it: ${list}; choose one with --url or ORAMA_URL\n`,
  );
  t.is((await set('--url', url)).code, 0);
  const read = await runCli(['function', 'secrets', 'list'], { home, cwd });
  t.is(read.code, 0, read.stderr);
  t.is(read.stderr, `note: on ${other}, which started last of: ${list}; choose one with --url\n`);
});
