import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { updateSettings } from '../../src/cli/config.js';
import { findUpdate } from '../../src/cli/update-notice.js';
import { DAY_MS } from '../../src/contract/limits.js';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { notRun } from '../helpers/not-run.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const home = tempDir();

async function registryWith(body: unknown) {
  const asked: string[] = [];
  const server = await httpServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(JSON.stringify(body));
  });
  return { ...server, asked };
}

test('the registry is queried only with ORAMA_UPDATE_NOTICE=true', (t) => {
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

test('a newer version is found, and the registry is queried once a day', async (t) => {
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

test('an unreachable registry or an invalid reply is not an error', async (t) => {
  const odd = await registryWith({ version: '9.9.9\u001b[2J' });
  t.teardown(odd.close);
  const check = { file: join(home, 'b', 'update.json'), own: '0.1.0', now: Date.now() };
  t.is(await findUpdate({ ...check, registry: odd.url }), undefined);
  t.is(await findUpdate({ ...check, registry: 'http://127.0.0.1:2' }), undefined);
});

/** Runs on a terminal, which `script` provides. */
function terminalTest(title: string, onTerminal: (t: ExecutionContext) => Promise<void>): void {
  if (findTool('script') === undefined) {
    notRun(`script: not found, update notice not run: ${title}`);
  } else test(title, onTerminal);
}

terminalTest(
  'with ORAMA_UPDATE_NOTICE=true a newer version is announced on a terminal after the command',
  async (t) => {
    const registry = await registryWith({ version: '99.1.0' });
    t.teardown(registry.close);
    const variables = { ORAMA_UPDATE_NOTICE: 'true', npm_config_registry: registry.url };
    const onTerminal = async (more: Record<string, string>) => {
      const command = `'${process.execPath}' dist/app/orama.js completion bash`;
      const env = { PATH: process.env.PATH, HOME: join(home, 'c'), ...more };
      const { stdout } = await run('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        env,
      });
      return stdout.replaceAll('\r', '');
    };
    t.notRegex(await onTerminal({ npm_config_registry: registry.url }), /available/);
    const piped = await runCli(['completion', 'bash'], { home: join(home, 'd'), env: variables, cwd: home });
    t.deepEqual([piped.code, piped.stderr], [0, '']);
    t.deepEqual(registry.asked, []);

    const said = await onTerminal(variables);
    t.regex(
      said,
      /^complete .+\norama 99\.1\.0 is available; this is [\d.]+\. Update with: npm install --global orama-functions@latest\n$/m,
    );
    t.regex(await onTerminal(variables), /orama 99\.1\.0 is available/);
    t.deepEqual(registry.asked, ['/orama-functions/latest'], 'once a day');
  },
);
