import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { buildFunction } from '../../src/cli/build/build.js';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const engine = openEngine({ threads: 1, parked: 8 });
test.after.always(() => engine.close());
const home = tempDir();

/** Quotes the input, reads it back as a member of an object, and as an element of a list. */
const SOURCE = `import * as orama from './orama';
const quoted = orama.quote(orama.input());
const read = orama.field('{"body":' + quoted + '}', 'body') || '';
orama.output(read + '|' + orama.strings('[' + quoted + ']')[0]);
`;

async function build(): Promise<Uint8Array> {
  const directory = join(home, 'texts');
  cpSync('test/fixtures/sdk/assemblyscript', directory, { recursive: true });
  mkdirSync(join(directory, 'assembly'), { recursive: true });
  writeFileSync(join(directory, 'assembly', 'index.ts'), SOURCE);
  cpSync('sdk/assemblyscript/assembly/orama.ts', join(directory, 'assembly', 'orama.ts'));
  const config = join(directory, 'asconfig.json');
  writeFileSync(config, readFileSync(config, 'utf8').replaceAll(/=[^"]*sdk\/assemblyscript\//g, '='));
  return readFileSync((await buildFunction(directory, undefined)).file);
}

test('the AssemblyScript SDK quotes and reads JSON texts of hundreds of kilobytes in linear time', async (t) => {
  const wasm = await build();
  const small = 'plain "quoted" \\ \n\r\t\b\f\u0001 é 😀 \u2028';
  const escaped = await runText(engine, wasm, small);
  t.is(escaped.error, null, escaped.log.join('\n'));
  t.is(escaped.output, `${small}|${small}`);
  const empty = await runText(engine, wasm, '');
  t.is(empty.output, '|');

  const large = '0123456789 "x" \n'.repeat(20_000);
  const { output, error } = await runText(engine, wasm, large, { timeoutMs: 10_000 });
  t.is(error, null);
  t.is(output, `${large}|${large}`);
});
