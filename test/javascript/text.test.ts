import test from 'ava';
import { createEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = createEngine({ threads: 1, parked: 2 });
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
