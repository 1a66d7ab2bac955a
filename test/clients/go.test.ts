import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { startClientEngine } from '../helpers/client-engine.js';
import { codeBlocks } from '../helpers/readme.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const sdk = resolve('sdk/go');
const started = shared(startClientEngine);
const home = tempDir();

const goTest = findTool('go') === undefined ? test.skip : test;

goTest('the Go client passes go vet, gofmt and its tests against an engine (needs Go)', async (t) => {
  t.timeout(300_000);
  const { env } = await started();
  const options = { cwd: sdk, env: { ...process.env, ...env } };
  await run('go', ['vet', './oramaclient'], options);
  const { stdout } = await run('go', ['test', '-count=1', './oramaclient'], options);
  t.regex(stdout, /^ok\s+orama\/sdk-go\/oramaclient/m);
  t.is((await run('gofmt', ['-l', 'oramaclient'], options)).stdout, '');
});

goTest('the README example of the Go client runs (needs Go)', async (t) => {
  t.timeout(300_000);
  const { env } = await started();
  const [example = ''] = codeBlocks('sdk/go/oramaclient/README.md', 'go');
  const directory = join(home, 'example');
  mkdirSync(directory);
  writeFileSync(join(directory, 'main.go'), example);
  writeFileSync(
    join(directory, 'go.mod'),
    `module example\n\ngo 1.24\n\nrequire orama/sdk-go v0.0.0\n\nreplace orama/sdk-go => ${sdk}\n`,
  );
  const { stdout } = await run('go', ['run', '.'], { cwd: directory, env: { ...process.env, ...env } });
  t.regex(stdout, /^\{"name":"Ada"\} 1 [0-9a-f-]{36}\nsuccess \{\}\nfunction_not_found 404 /);
  t.regex(stdout, /\{"id":7\}\n$/);
});
