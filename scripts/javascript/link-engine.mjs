// Links the engine on which every JavaScript function is based: QuickJS and extensions from the npm
// package quickjs-wasi, which are position-independent, and the project's glue
// (sdk/javascript/engine), become one module with the exports and imports of a function. Needs only
// Node and npm packages, no C compiler.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  isFunction,
  readModule,
  showType,
  withExports,
  withImports,
  withPlainData,
  withTable,
  writeModule,
} from './wasm-sections.mjs';

const require = createRequire(import.meta.url);
const ASSEMBLYSCRIPT = require.resolve('assemblyscript/package.json');
const ASC = join(dirname(ASSEMBLYSCRIPT), 'bin', 'asc.js');
/** The Binaryen that AssemblyScript depends on. */
const BINARYEN = join(dirname(createRequire(ASSEMBLYSCRIPT).resolve('binaryen')), 'bin');
const QUICKJS = dirname(require.resolve('quickjs-wasi/package.json'));
const GLUE = 'sdk/javascript/engine/glue.as.ts';

const EXTENSIONS = ['url', 'encoding', 'crypto'];
const PAGE_BYTES = 65_536;
/**
 * QuickJS has its stack at the bottom of its memory, growing down from this address. The static
 * data of the other parts is at the far end of the stack.
 */
const STACK_TOP = 1 << 20;
/**
 * The part of the stack that is reserved for QuickJS functions that do not check the remaining
 * space.
 */
const STACK_RESERVE_BYTES = 65_536;
/** The static data of the glue, which must not be at address 0. */
const GLUE_BASE = 1024;
const GLUE_BYTES = 1024;
/** The first page of a function's program, after the initial pages of QuickJS. */
const QUICKJS_PAGES = 18;
const RELOCATE = '__wasm_apply_data_relocs';
/** The functions that C code calls at start. */
const SEEDS = new Set(['clock_time_get', 'random_get']);
const KEPT_EXPORTS = new Set(['memory', '_initialize', 'handle', 'orama_alloc']);

/** Returns the bytes of the engine. */
export function linkEngine() {
  const directory = mkdtempSync(join(tmpdir(), 'orama-javascript-'));
  try {
    return link(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function link(directory) {
  const file = (name) => join(directory, name);
  const write = (name, content) => {
    writeFileSync(file(name), content);
    return file(name);
  };
  const quickjs = readModule(readFileSync(join(QUICKJS, 'quickjs.wasm')));
  const extensions = EXTENSIONS.map((name) => ({
    name,
    module: readModule(readFileSync(join(QUICKJS, 'extensions', name, `${name}.so`))),
  }));
  const layout = layOut(quickjs, extensions);
  compileGlue(file('glue.wasm'), layout.glueTable);

  const mine = withExports(quickjs, (name) => (name === '_initialize' ? 'start' : name));
  const parts = [
    ['quickjs', withTable(withImports(mine, quickjsImport), layout.tableSize)],
    ['glue', withImports(readModule(readFileSync(file('glue.wasm'))), glueImport)],
    ...extensions.map(({ name, module }) => [
      name,
      withExports(
        withImports(module, (entry) => layout.resolve(name, entry)),
        (exported) => (exported === RELOCATE ? `${name}.relocate` : exported),
      ),
    ]),
  ].flatMap(([name, module]) => [write(`${name}-part.wasm`, writeModule(module)), name]);
  tool('wasm-as', [write('layout.wat', layout.text()), '-o', file('layout.wasm')]);
  tool('wasm-merge', [
    ...parts,
    ...[file('layout.wasm'), 'layout'],
    ...['--skip-export-conflicts', '-o', file('merged.wasm')],
  ]);
  const merged = withExports(readModule(readFileSync(file('merged.wasm'))), (name) =>
    KEPT_EXPORTS.has(name) ? name : undefined,
  );
  // Folds constant globals, because the offsets of data and element segments must be constants.
  tool('wasm-opt', [
    write('kept.wasm', writeModule(merged)),
    ...['--simplify-globals', '--precompute', '--remove-unused-module-elements'],
    ...['-o', file('engine.wasm')],
  ]);
  return writeModule(withPlainData(readModule(readFileSync(file('engine.wasm')))));
}

/** Assigns each part its place in memory and table. Imports that no part provides become stubs. */
function layOut(quickjs, extensions) {
  const offered = new Set(quickjs.exports.map(({ name }) => name));
  const lines = [];
  const stubs = new Set();
  let memory = GLUE_BASE + GLUE_BYTES;
  let table = quickjs.tableMin;
  for (const { name, module } of extensions) {
    const { dylink } = module;
    memory = align(memory, 1 << dylink.memoryAlign);
    lines.push(constant(`${name}.memory`, memory), constant(`${name}.table`, table));
    memory += dylink.memory;
    table += dylink.table;
  }
  const pointers = new Map();

  function resolve(name, { module: from, name: wanted, kind, type }) {
    const { exports } = extensions.find((extension) => extension.name === name).module;
    if (from === 'GOT.func') return ['layout', pointerTo(wanted)];
    if (from === 'GOT.mem') return ['layout', addressOf(wanted)];
    if (wanted === '__memory_base') return ['layout', `${name}.memory`];
    if (wanted === '__table_base') return ['layout', `${name}.table`];
    if (from !== 'env') return [from, wanted];
    if (offered.has(wanted)) return ['quickjs', wanted];
    if (exports.some((entry) => entry.name === wanted)) return [name, wanted];
    if (!isFunction({ kind })) throw new Error(`${name} imports ${wanted}, which no part exports`);
    return ['layout', stub(wanted, type)];
  }

  /** Adds a function that is linked but never called. */
  function stub(wanted, type) {
    if (!stubs.has(wanted)) lines.push(`(func (export "${wanted}")${showType(type)} unreachable)`);
    stubs.add(wanted);
    return wanted;
  }

  /**
   * Returns a variable that holds the table index of a function; 0, which traps when called, if no
   * part provides the function.
   */
  function pointerTo(wanted) {
    const found = quickjs.exports.find((entry) => entry.name === wanted && isFunction(entry));
    if (!pointers.has(wanted))
      pointers.set(wanted, found === undefined ? 0 : { type: found.type, at: table++ });
    return `pointer.${wanted}`;
  }

  function addressOf(wanted) {
    if (!stubs.has(`address.${wanted}`)) lines.push(variable(`address.${wanted}`, GLUE_BASE - 8));
    stubs.add(`address.${wanted}`);
    return `address.${wanted}`;
  }

  for (const { name, module } of extensions) for (const entry of module.imports) resolve(name, entry);
  const glueTable = table;
  const stack = STACK_TOP - memory - STACK_RESERVE_BYTES;
  lines.push(constant('stack', stack), constant('program', QUICKJS_PAGES * PAGE_BYTES));

  return {
    glueTable,
    tableSize: glueTable + 1,
    resolve,
    text() {
      const found = [...pointers].filter(([, pointer]) => pointer !== 0);
      const imports = found.map(
        ([name, { type }]) => `(import "quickjs" "${name}" (func $${name}${showType(type)}))`,
      );
      const elements = found.map(([name, { at }]) => `(elem (i32.const ${at}) $${name})`);
      const variables = [...pointers].map(([name, pointer]) => variable(`pointer.${name}`, pointer.at ?? 0));
      return `(module
${imports.join('\n')}
(import "quickjs" "__indirect_function_table" (table ${glueTable} funcref))
${elements.join('\n')}
${[...lines, ...variables].join('\n')}
)`;
    },
  };
}

const align = (value, to) => Math.ceil(value / to) * to;
const constant = (name, value) => `(global (export "${name}") i32 (i32.const ${value}))`;
const variable = (name, value) => `(global (export "${name}") (mut i32) (i32.const ${value}))`;

/** The glue provides QuickJS's host functions, including time and random bytes. */
function quickjsImport({ module, name }) {
  return [module === 'env' || SEEDS.has(name) ? 'glue' : module, name];
}

function glueImport({ module, name }) {
  if (module === 'quickjs' && name === '_initialize') return ['quickjs', 'start'];
  if (EXTENSIONS.includes(module) && name === RELOCATE) return [module, `${module}.relocate`];
  if (module === 'env' && name === 'memory') return ['quickjs', 'memory'];
  if (module === 'env' && name === 'table') return ['quickjs', '__indirect_function_table'];
  return [module, name];
}

function compileGlue(output, tableBase) {
  const options = [
    ...['--optimizeLevel', '3', '--shrinkLevel', '1', '--noAssert', '--runtime', 'stub'],
    ...[
      '--importMemory',
      '--memoryBase',
      String(GLUE_BASE),
      '--importTable',
      '--tableBase',
      String(tableBase),
    ],
  ];
  execFileSync(process.execPath, [ASC, GLUE, ...options, '--outFile', output], { stdio: 'inherit' });
}

function tool(name, args) {
  execFileSync(process.execPath, [join(BINARYEN, name), '--all-features', ...args], { stdio: 'inherit' });
}
