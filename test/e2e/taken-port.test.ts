import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

for (const [setting, env] of [
  ['PORT', (port: number) => ({ PORT: String(port) })],
  ['FUNCTIONS_PORT', (port: number) => ({ PORT: '0', FUNCTIONS_PORT: String(port) })],
] as const) {
  test(`an engine whose ${setting} is in use exits with an error that names the port and the setting`, async (t) => {
    t.timeout(240_000);
    const other = await httpServer(() => {});
    t.teardown(other.close);
    const up = await runCli(['up', '--data', join(home, setting)], { home, env: env(other.port) });
    t.is(up.code, 1, up.stderr);
    t.true(
      up.stderr.includes(
        `Cannot listen on 127.0.0.1:${other.port}: another process has it; choose another ${setting}.`,
      ),
      up.stderr,
    );
  });
}

test('an engine on the last port, which has none after it, asks for FUNCTIONS_PORT', async (t) => {
  t.timeout(240_000);
  const up = await runCli(['up', '--data', join(home, 'last'), '--port', '65535'], { home });
  t.is(up.code, 1, up.stderr);
  t.true(
    up.stderr.includes(
      'FUNCTIONS_PORT is by default the port after PORT, and there is none after 65535; set it to a whole number from 0 to 65534.',
    ),
    up.stderr,
  );
});
