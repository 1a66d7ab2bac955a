import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 1, parked: 2 });
test.after.always(() => engine.close());

async function outputOf(source: string, input = ''): Promise<string> {
  const { output, error } = await runText(engine, await buildJavaScript(source), input, {
    warmStart: 'reactor',
  });
  return error ?? output;
}

// Node 20 decodes these bytes as ISO-8859-1, unlike the Encoding standard.
test('latin1 is decoded as windows-1252, as the Encoding standard has it', async (t) => {
  const source = `export default () => ['latin1', 'windows-1252'].map((label) =>
    new TextDecoder(label).decode(Uint8Array.from({ length: 256 }, (_, byte) => byte)));`;
  const [first, second] = JSON.parse(await outputOf(source));
  t.is(first, second);
  t.is(first.length, 256);
  t.is(first.slice(0x7f, 0xa1), '\x7f€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ\xa0');
  t.is(first.slice(0xa0), String.fromCharCode(...Array.from({ length: 0x60 }, (_, at) => 0xa0 + at)));
});

test('a long run of spaces in a header, a label, a statement or an error takes linear time', async (t) => {
  const long = `'a' + ' '.repeat(500_000) + 'b'`;
  const caught = (code: string) =>
    `(() => { try { return String(${code}).length; } catch (error) { return error.name; } })()`;
  const source = `export default () => [
    ${caught(`new Headers({ a: ${long} }).get('a')`)},
    ${caught(`new TextDecoder(${long})`)},
  ];`;
  t.deepEqual(JSON.parse(await outputOf(source)), [500_002, 'RangeError']);
  t.regex(await outputOf(`export default () => { throw ${long}; };`), /^exited with code 1: b$/);
  const frames = "'no\\n    at ' + 'a'.repeat(500_000)";
  const failed = await outputOf(`export default () => { throw new Error(${frames}); };`);
  t.is(failed, 'exited with code 1: Error: no (index.ts:1)');
});

test('JSON that is nested too deeply is an error that a function can catch', async (t) => {
  const source = `const caught = (read) => { try { read(); return 'read'; } catch (error) { return String(error); } };
    export default () => [2000, 20000, 200000].flatMap((depth) => [
      caught(() => JSON.stringify(JSON.parse('['.repeat(depth) + ']'.repeat(depth)))),
      caught(() => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth), (key, value) => value)),
      caught(() => JSON.parse('['.repeat(depth))),
    ]);`;
  const tooDeep = (depth: number) =>
    Array(3).fill(`RangeError: JSON may be nested at most 5000 levels deep, and not ${depth}`);
  t.deepEqual(JSON.parse(await outputOf(source)), [
    ...['read', 'read', 'SyntaxError: Unexpected end of JSON input'],
    ...[...tooDeep(20000), ...tooDeep(200000)],
  ]);
});

test('JSON of 5,000 levels is read and written, also below many calls', async (t) => {
  const source = `const below = (calls, run) => (calls === 0 ? run() : below(calls - 1, run));
    const text = '['.repeat(5000) + ']'.repeat(5000);
    export default () => below(2000, () => JSON.stringify(JSON.parse(text)) === text);`;
  t.is(await outputOf(source), 'true');
});

test('brackets in strings, and siblings, do not count as depth of JSON', async (t) => {
  const source = `export default () => [
    JSON.parse('"' + '['.repeat(30000) + '"').length,
    JSON.parse(JSON.stringify(['\\\\', '"' + '{'.repeat(30000)]))[1].length,
    JSON.parse('[' + '[{"é":"€"}],'.repeat(30000) + '0]').length,
  ];`;
  t.deepEqual(JSON.parse(await outputOf(source)), [30000, 30001, 30001]);
});

test('an input that is nested too deeply fails an invocation with an error that says so', async (t) => {
  const input = '['.repeat(20000) + ']'.repeat(20000);
  t.is(
    await outputOf('export default (input) => input', input),
    'exited with code 1: RangeError: JSON may be nested at most 5000 levels deep, and not 20000',
  );
});
