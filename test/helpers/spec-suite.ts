import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Action, compareModes } from './every-mode.js';

/** A Go module that contains the WebAssembly specification's test suite in binary form. */
const SUITE = 'github.com/tetratelabs/wazero@v1.9.0';
const DIRECTORY = 'internal/integration_test/spectest/v2/testdata';

interface Value {
  type: string;
  /** For a vector, the values of its lanes. */
  value: string | string[];
}
/** The output of wast2json, as far as it is used here. */
interface Command {
  type: string;
  filename?: string;
  name?: string;
  as?: string;
  action?: { type: string; module?: string; field: string; args: Value[] };
}
interface SuiteModule {
  name: string | undefined;
  bytes: Uint8Array;
  actions: Action[];
  /** Modules registered earlier, from which the module may import. */
  registered: { as: string; bytes: Uint8Array }[];
}

export interface SuiteCount {
  modules: number;
  actions: number;
  /** Modules with state that cannot be reset; each invocation gets a new instance. */
  skipped: number;
  modes: Record<string, number>;
  differences: string[];
}

/**
 * Resolves with the directory of the suite, which is downloaded if it is not in Go's cache; null if
 * that is not possible.
 */
export async function specSuite(): Promise<string | null> {
  try {
    const run = promisify(execFile);
    const { stdout } = await run('go', ['mod', 'download', '-json', SUITE], {
      cwd: tmpdir(),
      timeout: 60_000,
    });
    return join((JSON.parse(stdout) as { Dir: string }).Dir, DIRECTORY);
  } catch {
    return null;
  }
}

/** Names of all scripts of the suite, for scripts/spec-suite.mjs. @public */
export function scriptsOf(suite: string): string[] {
  return readdirSync(suite)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
}

/** Runs the modules of these scripts in each mode; see `compareModes`. */
export function runScripts(suite: string, scripts: readonly string[]): SuiteCount {
  const count: SuiteCount = { modules: 0, actions: 0, skipped: 0, modes: {}, differences: [] };
  for (const script of scripts) {
    for (const { bytes, actions, registered } of modulesOf(suite, script)) {
      const comparison = compareOrSkip(bytes, actions, registered);
      if (comparison === null) {
        count.skipped++;
        continue;
      }
      count.modules++;
      count.actions += comparison.actions;
      for (const mode of comparison.modes) count.modes[mode] = (count.modes[mode] ?? 0) + 1;
      count.differences.push(...comparison.differences.map((difference) => `${script}: ${difference}`));
    }
  }
  return count;
}

function compareOrSkip(bytes: Uint8Array, actions: Action[], registered: SuiteModule['registered']) {
  try {
    return compareModes(bytes, actions, () => importsOf(registered));
  } catch (error) {
    // Modules with proposals that the parser does not support are refused at deploy.
    if (/invalid_module|The module/.test(String(error))) return null;
    throw error;
  }
}

function modulesOf(suite: string, script: string): SuiteModule[] {
  const { commands } = JSON.parse(readFileSync(join(suite, `${script}.json`), 'utf8')) as {
    commands: Command[];
  };
  const modules: SuiteModule[] = [];
  const registered: SuiteModule['registered'] = [];
  for (const { type, filename, name, as, action } of commands) {
    const last = modules.at(-1);
    if (type === 'module' && filename?.endsWith('.wasm') === true) {
      const bytes = new Uint8Array(readFileSync(join(suite, filename)));
      modules.push({ name, bytes, actions: [], registered: [...registered] });
    } else if (type === 'register') {
      const found = name === undefined ? last : modules.find((module) => module.name === name);
      if (found !== undefined && as !== undefined) registered.push({ as, bytes: found.bytes });
    } else if (action?.type === 'invoke') {
      const called = action.module;
      const module = called === undefined ? last : modules.find((one) => one.name === called);
      module?.actions.push({ field: action.field, args: action.args.map(argumentOf) });
    }
  }
  return modules;
}

/** Creates new instances of everything that a module may import. */
function importsOf(registered: SuiteModule['registered']): WebAssembly.Imports {
  const prints = ['', '_i32', '_i64', '_f32', '_f64', '_i32_f32', '_f64_f64'];
  const imports: Record<string, Record<string, unknown>> = {
    spectest: {
      ...Object.fromEntries(prints.map((type) => [`print${type}`, () => {}])),
      global_i32: 666,
      global_i64: 666n,
      global_f32: 666.6,
      global_f64: 666.6,
    },
  };
  for (const { as, bytes } of registered) {
    try {
      const linked = imports as WebAssembly.Imports;
      imports[as] = new WebAssembly.Instance(new WebAssembly.Module(bytes), linked).exports;
    } catch {
      // The module imports a table or a memory, which functions of the engine must not.
    }
  }
  return imports as WebAssembly.Imports;
}

function argumentOf({ type, value }: Value): number | bigint | null {
  if (typeof value !== 'string') return null;
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
