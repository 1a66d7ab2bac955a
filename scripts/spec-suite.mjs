// Runs the WebAssembly specification's test suite through the rewriter: every module that can be
// put back is run, put back and run again, with and without write barriers, and must do what a new
// instance of the original does. `npm run build && node scripts/spec-suite.mjs` fetches the suite,
// in binary form, with the Go module that carries it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '../dist/workers/wasm/binary/parse.js';
import { scan } from '../dist/workers/wasm/binary/scan.js';
import { cardTableOf } from '../dist/workers/wasm/instrument/dirty-cards.js';
import { rewrite } from '../dist/workers/wasm/instrument/rewrite.js';
import { Restorer, takeSnapshot } from '../dist/workers/wasm/run/image.js';
import { memoryOf, readGlobals } from '../dist/workers/wasm/run/instance.js';

const SUITE = 'github.com/tetratelabs/wazero@v1.9.0';
const MAX_PAGES = 4096;
const PAGE_BYTES = 65_536;

const { Dir } = JSON.parse(
  execFileSync('go', ['mod', 'download', '-json', SUITE], { cwd: tmpdir(), encoding: 'utf8' }),
);
const directory = join(Dir, 'internal', 'integration_test', 'spectest', 'v2', 'testdata');
const count = { modules: 0, actions: 0, skipped: 0, barriers: 0, different: 0 };

const imports = {
  spectest: {
    ...Object.fromEntries(
      ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'].map((type) => [`print${type}`, () => {}]),
    ),
  },
};

for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
  const { commands } = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  let current = null;
  const modules = [];
  for (const command of commands) {
    if (command.type === 'module') {
      current = { file: command.filename, actions: [] };
      modules.push(current);
    } else if (command.action?.type === 'invoke' && command.action.module === undefined) {
      current?.actions.push(command.action);
    }
  }
  for (const module of modules) check(module);
}
console.log(count);
process.exitCode = count.different > 0 || count.actions === 0 ? 1 : 0;

function check({ file, actions }) {
  if (!file.endsWith('.wasm')) return;
  const bytes = new Uint8Array(readFileSync(join(directory, file)));
  let module;
  let scanned;
  try {
    module = parse(bytes);
    scanned = scan(module);
  } catch {
    count.skipped++;
    return;
  }
  const unusable = scanned === null || scanned.keepsHiddenState || module.memories.length !== 1;
  const foreign = module.imports.some((entry) => entry.kind !== 'function' || entry.module !== 'spectest');
  const odd = module.globals.some(({ mutable, type }) => mutable && (type < 0x7c || type > 0x7f));
  if (unusable || foreign || odd || (module.memories[0]?.min ?? 0) > MAX_PAGES) {
    count.skipped++;
    return;
  }
  let expected;
  try {
    expected = play(new WebAssembly.Instance(new WebAssembly.Module(bytes), imports), actions);
  } catch {
    count.skipped++;
    return;
  }
  count.modules++;
  for (const mode of ['fresh', 'snapshot', 'barriers']) {
    const passes = playTwice(module, scanned, actions, mode);
    passes?.forEach((actual, pass) => {
      actual.forEach((result, index) => {
        count.actions++;
        if (result === expected[index]) return;
        count.different++;
        const { field, args } = actions[index];
        console.log(
          `${file} ${mode}, pass ${pass + 1}: ${field}(${args.map((a) => a.value)}) = ${result}, not ${expected[index]}`,
        );
      });
    });
  }
}

/**
 * The results of two passes on an instance that is put back in between as the engine does it; null
 * when the mode is not for this module.
 */
function playTwice(module, scanned, actions, mode) {
  const first = rewrite(module, { maxPages: MAX_PAGES, scan: scanned, exportGlobals: true });
  const base = instantiate(first);
  // As for a reactor: what the start function did is in the snapshot.
  if (mode !== 'fresh' && first.names.start !== null) base.exports[first.names.start]();
  const snapshot = takeSnapshot(new Uint8Array(memoryOf(base).buffer), readGlobals(base, first));
  const used =
    mode === 'fresh'
      ? first
      : rewrite(module, {
          maxPages: MAX_PAGES,
          scan: scanned,
          exportGlobals: true,
          forSnapshot: true,
          minPages: snapshot.pages,
          writeBarriers: mode === 'barriers',
        });
  if (mode === 'barriers') {
    if (used.tableBytes === 0) return null;
    count.barriers++;
  }
  const restorer = new Restorer(snapshot);
  const guestBytes = (instance) => new Uint8Array(memoryOf(instance).buffer, used.tableBytes);
  const create = () => {
    const instance = instantiate(used);
    if (mode !== 'fresh') {
      restorer.fill(guestBytes(instance));
      restorer.restoreGlobals(instance);
    }
    return instance;
  };
  const pass = (instance) => {
    if (mode === 'fresh' && used.names.start !== null) instance.exports[used.names.start]();
    return play(instance, actions);
  };
  let instance = create();
  const one = pass(instance);
  if (guestBytes(instance).length > snapshot.pages * PAGE_BYTES) instance = create();
  else {
    const memory = guestBytes(instance);
    if (used.tableBytes > 0) restorer.restoreDirty(memory, cardTableOf(memory.buffer, used.tableBytes));
    else restorer.restore(memory);
    restorer.restoreGlobals(instance);
  }
  return [one, pass(instance)];
}

function instantiate({ bytes }) {
  return new WebAssembly.Instance(new WebAssembly.Module(withMemoryExport(bytes)), imports);
}

function play(instance, actions) {
  return actions.map(({ field, args }) => {
    try {
      const result = instance.exports[field](...args.map(argumentOf));
      return [result]
        .flat()
        .map((value) => (Object.is(value, -0) ? '-0' : String(value)))
        .join();
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  });
}

function argumentOf({ type, value }) {
  if (type === 'i32') return Number(value) | 0;
  if (type === 'i64') return BigInt.asIntN(64, BigInt(value));
  const view = new DataView(new ArrayBuffer(8));
  if (value.startsWith('nan')) return Number.NaN;
  if (type === 'f32') {
    view.setUint32(0, Number(value));
    return view.getFloat32(0);
  }
  if (type === 'f64') {
    view.setBigUint64(0, BigInt(value));
    return view.getFloat64(0);
  }
  return null;
}

/** The module with its memory exported as "memory", as the contract asks of every module. */
function withMemoryExport(bytes) {
  const module = parse(bytes);
  if (module.exports.some(({ name }) => name === 'memory')) return bytes;
  const EXPORT = 7;
  const entry = [6, ...new TextEncoder().encode('memory'), 2, 0];
  const sections = [...module.sections].map(([id, { start, end }]) => {
    const payload = bytes.subarray(start, end);
    return [
      id,
      id === EXPORT
        ? joined(leb(module.exports.length + 1), payload.subarray(lebBytes(payload)), entry)
        : payload,
    ];
  });
  if (!module.sections.has(EXPORT)) {
    const at = sections.findIndex(([id]) => [8, 9, 10, 11, 12].includes(id));
    sections.splice(at < 0 ? sections.length : at, 0, [EXPORT, joined([1], entry)]);
  }
  return joined(
    bytes.subarray(0, 8),
    ...sections.flatMap(([id, payload]) => [[id], leb(payload.length), payload]),
  );
}

function joined(...parts) {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
}
function leb(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) | 128 : rest);
    if (rest < 128) return bytes;
  }
}
function lebBytes(payload) {
  return payload.findIndex((byte) => byte < 128) + 1;
}
