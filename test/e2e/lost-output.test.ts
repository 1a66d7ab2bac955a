import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Api } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { endProcess } from '../helpers/server-process.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dataDir = tempDir();

test('an engine whose output goes to a full disk runs functions and counts the lost log lines', async (t) => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['dist/app/orama.js', 'up', '--port', '0', '--data', dataDir], {
    // At this level every request is logged.
    env: {
      PATH: process.env.PATH,
      HOME: dataDir,
      LOG_LEVEL: 'debug',
      ORAMA_UNKNOWN: 'warned about',
      OPEN_METRICS: 'true',
    },
    stdio: ['ignore', full, full],
  });
  t.teardown(() => endProcess(child));
  const read = (name: string) => readFile(join(dataDir, name), 'utf8').catch(() => '');
  const url = await until('the engine listens', async () => (await read('url')).trim() || null);
  const api = new Api(url, (await read('admin-key')).trim());
  t.is((await api.deploy('probe', await probeWasm())).status, 201);
  for (let n = 0; n < 5; n++) {
    t.is((await api.invoke('probe', commands({ op: 'echo', a: 'x' }))).status, 200);
  }
  const lost = Number(/^orama_engine_log_lines_lost (\d+)$/m.exec((await api.get('/metrics')).text)?.[1]);
  t.true(lost > 0, `${lost} lines were lost`);
  await endProcess(child, 'SIGTERM');
  t.is(child.exitCode, 0);
});
