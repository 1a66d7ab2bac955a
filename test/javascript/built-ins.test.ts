import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';
import { SNIPPETS } from './snippets.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

/** Wraps a snippet in a function that returns its result as JSON, or the name of its error. */
const wrap = (code: string) => {
  const statements = /\breturn\b/.test(code) ? code : `return (${code})`;
  return `async () => { try { return JSON.stringify(await (async () => { ${statements} })()) ?? 'undefined'; } catch (error) { return error.name; } }`;
};

for (const [name, snippets] of Object.entries(SNIPPETS)) {
  test(`${name} returns the same results in a function as in Node.js`, async (t) => {
    const code = `[${snippets.map(wrap).join(',\n')}]`;
    const wasm = await buildJavaScript({
      'index.js': `const all = ${code};\nexport default async () => { const out = []; for (const one of all) out.push(await one()); return out; }`,
    });
    const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
    t.is(outcome.error, null, outcome.log.join('\n'));
    const inFunction: unknown[] = JSON.parse(outcome.output);
    const inNode = new Function(`return ${code}`)() as (() => Promise<unknown>)[];
    const expected = await Promise.all(inNode.map((run) => run()));
    // Compared together, so that one run shows all differences.
    const pairs = (results: readonly unknown[]) => snippets.map((snippet, at) => [snippet, results[at]]);
    t.deepEqual(pairs(inFunction), pairs(expected));
  });
}

// Node.js 20 clones them to empty objects.
test('structuredClone keeps the name and the message of a DOMException', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `export default () => {
      const { name, message, code } = structuredClone(new DOMException('why', 'AbortError'));
      return [name, message, code];
    }`,
  });
  const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
  t.deepEqual(JSON.parse(outcome.output), ['AbortError', 'why', 20]);
});

test('abort() informs all listeners when onabort throws', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `export default () => {
      const controller = new AbortController();
      const seen = [];
      controller.signal.onabort = () => { throw new Error('from onabort'); };
      controller.signal.addEventListener('abort', () => seen.push('listener'));
      controller.abort();
      return seen;
    }`,
  });
  const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
  t.is(outcome.output, '["listener"]');
  t.regex(outcome.log.join('\n'), /from onabort/);
});

// Node.js also calls listeners that are added while the event is dispatched, unlike the DOM standard.
test('a listener that is added while an event is dispatched hears the next one', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `export default () => {
      const target = new EventTarget();
      const seen = [];
      const moved = () => seen.push('moved');
      const first = () => {
        seen.push('first');
        target.removeEventListener('x', moved);
        target.addEventListener('x', moved);
      };
      target.addEventListener('x', first, { once: true });
      target.addEventListener('x', moved);
      target.addEventListener('x', () => seen.push('last'));
      target.dispatchEvent(new Event('x'));
      target.dispatchEvent(new Event('x'));
      return seen.join();
    }`,
  });
  const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
  t.is(outcome.output, '"first,last,last,moved"');
});
