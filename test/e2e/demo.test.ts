import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

test('the demonstration of the README runs to its end', async (t) => {
  const { HOME, GOPATH, GOCACHE } = process.env;
  const env = {
    ...process.env,
    HOME: home,
    GOPATH: GOPATH ?? `${HOME}/go`,
    GOCACHE: GOCACHE ?? `${HOME}/.cache/go-build`,
  };
  const run = promisify(execFile)(process.execPath, ['dist/src/demo/main.js'], { env });
  const { stdout } = await run.catch(({ stdout, stderr }) => ({ stdout: `${stdout}\n${stderr}` }));
  t.regex(stdout, /\nDone in .* s\./, stdout);
});
