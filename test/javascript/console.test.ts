import { Console } from 'node:console';
import { Writable } from 'node:stream';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

/**
 * Statements that write to the console. Formats that functions do not support, such as columns of
 * long arrays, are omitted.
 */
const STATEMENTS = [
  "console.log(); console.log(''); console.log('a', 'b  c', 1)",
  'console.log(undefined, null, true, -0, 1e21, NaN, 10n, Symbol("s"))',
  "console.log('%s is %d, %i and %f: %j', 'Ada', '36.5', 36.9, '1.5 m', { a: [1] }, 'more', { b: 2 })",
  "console.log('%s %s %s', -0, 5n, Symbol('x')); console.log('%d %i', 5n, 'x'); console.log('%s %d')",
  "const own = {}; own.self = own; console.log('%j', own, '%j')",
  "console.log('100%', '%s'); console.log('%c%s%%', 'color: red', 'x'); console.log('%x %s', 1)",
  "console.log('%s', class A { toString() { return 'own'; } }.name, '%s'); console.log('%O', { a: 1 })",
  "console.log([], {}, [[]], [1, 'x', null, undefined], { a: { b: [] } }, { 'a-b': 1, c_d: 2, 3: 4 })",
  "console.log([\"it's\", 'say \"x\"', `both ' and \"`, 'line\\nbreak', 'tab\\t', '\\\\'])",
  'console.log(new Map([[1, { a: 1 }], ["k", new Set([2])]]), new Set(), new Map())',
  'console.log(new Date(0), [new Date(NaN)], /a+/gi, new Uint8Array([1, 2]), new Float64Array(0))',
  'class A {} class B extends A { constructor() { super(); this.x = 1; } } console.log(A, B, class {}, new A(), new B(), [() => {}, function named() {}, async () => {}].length)',
  'console.log(function named() {}, (() => () => {})(), [function inList() {}])',
  'console.log(Object.create(null), Object.assign(Object.create(null), { a: 1 }), { [Symbol("k")]: 1 })',
  'console.log({ get a() { return 1; }, set a(x) {}, get b() { return 1; }, set c(x) {} })',
  "console.assert(true, 'no'); console.assert(false); console.assert(0, 'odd %s', 'x', 1); console.assert(null, 7)",
  "console.count(); console.count('x'); console.count(); console.countReset(); console.count()",
  "console.group('one'); console.log('in'); console.group(); console.log('two\\nlines'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('out')",
  "console.log(new URLSearchParams('a=1&b=x y'), new URLSearchParams())",
  'console.dir({ a: [1, 2] }); console.info(1); console.debug("d"); console.warn("w"); console.error("e")',
] as const;

test('console writes the same text in a function as in Node.js', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `const all = [${STATEMENTS.map((code) => `() => { ${code} }`).join(',\n')}];
      export default (at) => { all[at](); };`,
  });
  for (const [at, code] of STATEMENTS.entries()) {
    const { log, error } = await runText(engine, wasm, String(at), { warmStart: 'reactor' });
    t.is(error, null, code);
    const said = log.map((line) => line.replace(/^(?:info|debug|warn|error): /, ''));
    t.deepEqual([code, said], [code, nodeSays(code)]);
  }
});

/** Returns what the console of Node.js writes to stdout and stderr, call by call. */
function nodeSays(code: string): string[] {
  const said: string[] = [];
  const stream = new Writable({
    write(part, _encoding, done) {
      said.push(String(part).replace(/\n$/, ''));
      done();
    },
  });
  const console = new Console({ stdout: stream, stderr: stream, colorMode: false });
  new Function('console', code)(console);
  return said;
}

test('console shows the address of a URL, and the fields of headers and of a form', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `export default () => {
      const form = new FormData();
      form.append('a', '1');
      console.log(new URL('http://h/x?y'), new Headers({ b: '2', 'x-a': '1' }), new Headers(), form);
    }`,
  });
  const { log } = await runText(engine, wasm, '', { warmStart: 'reactor' });
  const shown = "URL { href: 'http://h/x?y' } Headers { b: '2', 'x-a': '1' } Headers {} FormData { a: '1' }";
  t.deepEqual(log, [`info: ${shown}`]);
});
