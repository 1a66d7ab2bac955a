import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { buildFunction } from '../../src/cli/build/build.js';
import { parse } from '../../workers/wasm/binary/parse.js';
import { check } from '../../workers/wasm/run/module-check.js';
import { runCli } from '../helpers/cli.js';
import { buildJavaScript, functionDirectory } from '../helpers/javascript.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();

function runNode(args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  // A nested test runner would report to the outer one.
  const env = { PATH: process.env.PATH, HOME: home };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
  }
  return new Promise((done) => child.once('close', (code) => done({ code, output })));
}

test('a built module is a reactor with the documented imports and exports and smaller than 2.5 MB', async (t) => {
  const wasm = await buildJavaScript('export default () => "hello";');
  const module = parse(wasm);
  t.deepEqual(
    { ...check(module, 64), pages: 0 },
    {
      kind: 'reactor',
      initialize: true,
      allocator: 'orama_alloc',
      pages: 0,
    },
  );
  t.deepEqual(module.exports.map(({ name }) => name).sort(), [
    '_initialize',
    'handle',
    'memory',
    'orama_alloc',
  ]);
  t.deepEqual([...new Set(module.imports.map(({ module: from }) => from))].sort(), [
    'env',
    'wasi_snapshot_preview1',
  ]);
  t.true(wasm.length <= 2.5 * 2 ** 20, `${wasm.length} bytes`);
});

test('building the same source twice returns the same bytes', async (t) => {
  const files = {
    'index.ts': 'import { x } from "./x";\nexport default () => x;',
    'x.ts': 'export const x = 1;',
  };
  t.deepEqual(await buildJavaScript(files), await buildJavaScript(files));
});

test('a package for browsers leaves out the Node.js modules and files that it names', async (t) => {
  const wasm = await buildJavaScript({
    'index.ts': 'import both from "both";\nexport default () => both();',
    'node_modules/both/package.json':
      '{"name":"both","main":"index.js","browser":{"./node.js":"./web.js","crypto":false}}',
    'node_modules/both/index.js':
      'const here = require("./node.js"); const { randomBytes } = require("crypto");\nmodule.exports = () => here + typeof randomBytes;',
    'node_modules/both/node.js': 'module.exports = require("fs").constants;',
    'node_modules/both/web.js': 'module.exports = "web";',
  });
  t.true(wasm.byteLength > 0);
});

const refusals: Record<string, { files: Record<string, string>; sentence: string }> = {
  'a package that needs a Node.js module': {
    files: {
      'index.ts': 'import { read } from "reader";\nexport default read;',
      'node_modules/reader/package.json': '{"name":"reader","main":"lib/index.js"}',
      'node_modules/reader/lib/index.js':
        'const fs = require("node:fs");\nexports.read = () => fs.readFileSync("x");',
    },
    sentence:
      'node_modules/reader/lib/index.js:1:20: reader needs node:fs, a module of Node that functions do not have; use a package made for browsers or Workers',
  },
  'a scoped package that needs a Node.js module': {
    files: {
      'index.ts': 'import "@scope/net";\nexport default () => 1;',
      'node_modules/@scope/net/package.json': '{"name":"@scope/net","main":"index.js"}',
      'node_modules/@scope/net/index.js': 'import net from "net";\nconsole.log(net);',
    },
    sentence:
      'node_modules/@scope/net/index.js:1:17: @scope/net needs net, a module of Node that functions do not have; use a package made for browsers or Workers',
  },
  'a Node.js module': {
    files: { 'index.ts': '\nimport { readFileSync } from "fs";\nexport default () => readFileSync("x");' },
    sentence:
      'index.ts:2:30: index.ts needs fs, a module of Node that functions do not have; use a package made for browsers or Workers',
  },
  'a package that is not installed': {
    files: { 'index.ts': 'import x from "not-there-at-all";\nexport default x;' },
    sentence: 'index.ts:1:15: not-there-at-all was not found; install it with "npm install not-there-at-all"',
  },
  'a missing file': {
    files: { 'index.ts': 'import x from "./helper";\nexport default x;' },
    sentence: 'index.ts:1:15: ./helper was not found; it is the path of a file, relative to this one',
  },
  'a missing default export': {
    files: { 'index.ts': 'export const handler = () => 1;' },
    sentence:
      'index.ts has no default export; export a function, or an object with fetch, event or scheduled',
  },
  'a CommonJS module with another export': {
    files: { 'index.js': 'exports.handler = async () => 1;' },
    sentence:
      'index.js has no default export; export a function, or an object with fetch, event or scheduled',
  },
  'a CommonJS module that exports an object with another name': {
    files: { 'index.js': 'const handler = async () => 1;\nmodule.exports = { handler };' },
    sentence:
      'index.js has no default export; export a function, or an object with fetch, event or scheduled',
  },
  'a syntax error': {
    files: { 'index.ts': 'export default () => {\n  const = 1;\n};' },
    sentence: 'index.ts:2:9: Expected identifier but found "="',
  },
};

for (const [what, { files, sentence }] of Object.entries(refusals)) {
  test(`${what} fails the build with an error that states the place and the cause`, async (t) => {
    const error = await t.throwsAsync(buildFunction(functionDirectory(files), undefined));
    t.is(error.message, sentence);
  });
}

test('a build warns of process.env and Buffer in own files, and not where they are declared or checked', async (t) => {
  const { warnings } = await buildFunction(
    functionDirectory({
      'index.ts':
        'import "./checked";\nimport "./own";\nimport "p";\n// Buffer\nexport default () => [process.env.REGION, process.env.NODE_ENV, Buffer.from("x")];',
      'checked.ts': 'export const x = typeof process === "undefined" ? "" : process.env.X;',
      'own.ts': 'const Buffer = { from: (x: string) => x };\nexport const y = Buffer.from("process.env.X");',
      'node_modules/p/package.json': '{"name":"p","main":"index.js"}',
      'node_modules/p/index.js': 'exports.b = () => Buffer.from("x");',
    }),
    undefined,
  );
  t.deepEqual(warnings, [
    'index.ts uses process.env, which functions do not have; read env.REGION',
    'index.ts uses Buffer, which functions do not have; use Uint8Array, TextEncoder and btoa',
  ]);
});

test('a CommonJS module with a function or handlers as its exports is built', async (t) => {
  for (const source of ['module.exports = () => 1;', 'exports.fetch = () => new Response();']) {
    t.true((await buildJavaScript({ 'index.js': source })).length > 0);
  }
});

test('text and JSON files can be imported, and JSX can be used', async (t) => {
  const wasm = await buildJavaScript({
    'index.tsx':
      '/** @jsx h */\nimport page from "./page.html";\nimport data from "./data.json";\nconst h = (...all: unknown[]) => all;\nexport default () => [page, data, <b id="x">y</b>];',
    'page.html': '<p>hi</p>',
    'data.json': '{"a":1}',
  });
  t.true(wasm.length > 0);
});

for (const language of ['typescript', 'javascript']) {
  for (const template of ['http', 'event', 'cron']) {
    test.serial(
      `the ${language} template ${template} builds, passes its test and has no type errors`,
      async (t) => {
        const name = `${language}-${template}`;
        const made = await runCli(['function', 'init', name, '--lang', language, '--template', template], {
          home,
        });
        t.is(made.code, 0, made.stderr);
        const directory = join(home, name);
        const built = await runCli(['function', 'build', name], { home });
        t.is(built.code, 0, built.stderr);
        t.regex(built.stdout, /^Built function\.wasm \(.+\) with esbuild \d/);
        t.true(statSync(join(directory, 'function.wasm')).size < 2.5 * 2 ** 20);
        t.true(existsSync(join(directory, '.gitignore')));
        // As after `npm install`.
        symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
        const { scripts } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
        t.is(scripts.test, 'node --test');
        const tested = await runNode(['--test'], directory);
        t.is(tested.code, 0, tested.output);
        t.regex(tested.output, /# pass [1-9]/);
        const config = language === 'typescript' ? 'tsconfig.json' : 'jsconfig.json';
        const typed = await runNode([resolve('node_modules/typescript/bin/tsc'), '-p', config], directory);
        t.is(typed.output, '');
        t.is(typed.code, 0);
      },
    );
  }
}
