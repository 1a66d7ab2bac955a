import test from 'ava';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';
import { engine } from './running.js';

/** Linear work takes about a tenth of it; quadratic work, several times as much. */
const LIMIT_MS = 5000;

/** Runs a handler's body and returns its result, and the milliseconds that the body takes. */
async function timed(body: string): Promise<{ result: unknown; took: number }> {
  const source = `export default async () => {
    const begin = performance.now();
    const result = await (async () => { ${body} })();
    return { result, took: performance.now() - begin };
  };`;
  const outcome = await runText(engine, await buildJavaScript(source), '', {
    warmStart: 'reactor',
    timeoutMs: 120_000,
  });
  if (outcome.error !== null) throw new Error(`${outcome.error}\n${outcome.log.join('\n')}`);
  return JSON.parse(outcome.output);
}

test.serial('10,000 timers fire in linearithmic time', async (t) => {
  const { result, took } = await timed(`
    const fired = [];
    await Promise.all(Array.from({ length: 10_000 }, (_, at) => new Promise((settle) =>
      setTimeout(() => settle(fired.push(at)), at % 3 === 0 ? 2 : 1))));
    return fired.length;`);
  t.is(result, 10_000);
  t.true(took < LIMIT_MS, String(took));
});

test.serial('timers fire in the order in which they are due, unless they are cleared', async (t) => {
  // When a timer is due is known only to lie between two readings of the clock.
  const { result } = await timed(`
    const fired = [];
    const timers = Array.from({ length: 1000 }, (_, at) => {
      const delay = 1 + ((at * 7919) % 97);
      const timer = { at, from: performance.now() + delay };
      timer.id = setTimeout(() => fired.push(timer), delay);
      timer.to = performance.now() + delay;
      return timer;
    });
    for (const { at, id } of timers) if (at % 3 === 0) clearTimeout(id);
    clearTimeout(timers[0].id);
    clearTimeout(-1);
    await new Promise((settle) => setTimeout(settle, 200));
    const swapped = fired.filter((timer, place) => place > 0 && fired[place - 1].from > timer.to);
    return { fired: fired.map(({ at }) => at).sort((a, b) => a - b), swapped };`);
  const kept = Array.from({ length: 1000 }, (_, at) => at).filter((at) => at % 3 !== 0);
  t.deepEqual(result, { fired: kept, swapped: [] });
});

test.serial('a signal with 10,000 listeners informs and removes them in linear time', async (t) => {
  const { result, took } = await timed(`
    const controller = new AbortController();
    const other = new AbortController();
    let heard = 0;
    for (let at = 0; at < 10_000; at++) {
      const options = { once: at % 2 === 0, signal: other.signal };
      controller.signal.addEventListener('abort', () => heard++, options);
    }
    controller.abort();
    other.abort();
    return heard;`);
  t.is(result, 10_000);
  t.true(took < LIMIT_MS, String(took));
});

test.serial("2,000 parameters are appended to a URL's query in linear time", async (t) => {
  const { result, took } = await timed(`
    const url = new URL('http://a.example/');
    for (let at = 0; at < 2000; at++) url.searchParams.append('name' + at, 'a value');
    return url.href.length;`);
  const names = Array.from({ length: 2000 }, (_, at) => `name${at}=a+value`);
  t.is(result, 'http://a.example/?'.length + names.join('&').length);
  t.true(took < LIMIT_MS, String(took));
});
