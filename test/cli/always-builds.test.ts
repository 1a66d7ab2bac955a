import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { tempDir } from '../helpers/temp-dir.js';
import { answeringServer, json, RECORD } from './answering-server.js';

const home = tempDir();

test('deploy builds what changed outside the directory or in the build command, but no module without sources', async (t) => {
  const server = await answeringServer((_request, response) => {
    json(response, 201, { message: 'deployed', function: RECORD });
  });
  t.teardown(server.close);
  const directory = join(home, 'hello');
  mkdirSync(directory);
  const manifest = join(directory, 'function.yaml');
  /** Deploys the directory and returns the module that the engine got. */
  const deployed = async () => {
    const before = server.seen.length;
    const run = await runCli(['function', 'deploy', directory], { home, env: server.env });
    t.is(run.code, 0, run.stderr);
    const { body } = server.seen.slice(before).find(({ method }) => method === 'POST') ?? { body: '' };
    return /filename="function\.wasm"[\s\S]*?\r\n\r\n([^\r]*)/.exec(body)?.[1];
  };

  writeFileSync(manifest, 'name: hello\nbuild: cp ../shared.txt function.wasm\n');
  for (const content of ['first', 'second']) {
    writeFileSync(join(home, 'shared.txt'), content);
    t.is(await deployed(), content);
  }
  writeFileSync(manifest, 'name: hello\nbuild: printf third > function.wasm\n');
  t.is(await deployed(), 'third');
  writeFileSync(manifest, 'name: hello\n');
  t.is(await deployed(), 'third');
});
