import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import type { BuildFailure, Message, Plugin } from 'esbuild';
import { AppError } from '../../../errors.js';
import { packagePath } from '../../../package.js';
import { lineTable } from './line-table.js';
import { nodeGlobalsIn } from './node-globals.js';

/** Name of the bundle in stack traces. sdk/javascript/runtime/lines.ts uses the same name. */
export const BUNDLE_NAME = 'function.js';
/** The module that imports the function; it is no file. */
const ENTRY = 'orama:entry';
const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
/** Exports of CommonJS that the runtime finds. */
const HANDLERS = new Set(['default', 'fetch', 'event', 'scheduled']);
const RUNTIME = "globalThis[Symbol.for('orama')]";

export interface Bundle {
  code: string;
  warnings: readonly string[];
}

/**
 * Bundles the function and its imports into one ES module. The first line of the result contains
 * the line table. Throws `build_failed`.
 */
export async function bundle(directory: string, entry: string): Promise<Bundle> {
  // Imported lazily, since most commands do not need it.
  const { build } = await import('esbuild');
  const root = resolve(directory);
  try {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: `import handler from ${JSON.stringify(`./${entry}`)};\n${RUNTIME}.setHandler(handler);\n`,
        resolveDir: root,
        sourcefile: ENTRY,
      },
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      outfile: BUNDLE_NAME,
      format: 'esm',
      platform: 'browser',
      target: 'es2023',
      mainFields: ['browser', 'module', 'main'],
      conditions: ['workerd', 'worker', 'browser'],
      define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
      loader: { '.txt': 'text', '.html': 'text', '.sql': 'text', '.md': 'text' },
      sourcemap: 'external',
      legalComments: 'none',
      logLevel: 'silent',
      plugins: [sdk],
    });
    const [map, code] = outputFiles;
    if (map === undefined || code === undefined) throw new AppError('build_failed', 'esbuild made no bundle');
    if (metafile.inputs[entry]?.format === 'cjs') assertExportsHandler(root, entry);
    const { sources, lines } = lineTable(`\n${code.text}`, shifted(map.text));
    return {
      code: `${RUNTIME}.setLineTable(${JSON.stringify(sources)},${JSON.stringify(lines)});\n${code.text}`,
      warnings: await nodeGlobalsIn(root, Object.keys(metafile.inputs)),
    };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new AppError('build_failed', error.errors.map((message) => explain(message, root)).join('\n'), {
      cause: error,
    });
  }
}

/**
 * Resolves `orama` to the runtime's implementation, wherever the function's copy of the types is.
 */
const sdk: Plugin = {
  name: 'orama',
  setup({ onResolve }) {
    onResolve({ filter: /^orama$/ }, () => ({ path: packagePath('sdk/javascript/orama/index.js') }));
  },
};

/** Returns the source map of a bundle after one line has been prepended. */
function shifted(mapJson: string): string {
  const map = JSON.parse(mapJson) as { mappings: string };
  return JSON.stringify({ ...map, mappings: `;${map.mappings}` });
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

/**
 * Formats an error as `index.ts:3:9: …`. For an unresolved Node.js built-in, names the package that
 * imports it.
 */
function explain({ text, location }: Message, root: string): string {
  const wanted = /^Could not resolve "(.+)"$/.exec(text)?.[1];
  const file = location === null ? '' : relative(root, resolve(root, location.file));
  const place = location === null ? '' : `${file}:${location.line}:${location.column + 1}: `;
  if (wanted !== undefined && BUILTINS.has(wanted)) {
    const owner = packageOf(file) ?? file;
    return `${place}${owner} needs ${wanted}, a module of Node that functions do not have; use a package made for browsers or Workers`;
  }
  if (wanted !== undefined && /^[./]/.test(wanted))
    return `${place}${wanted} was not found; it is the path of a file, relative to this one`;
  if (wanted !== undefined) return `${place}${wanted} was not found; install it with "npm install ${wanted}"`;
  const imported = /^No matching export in "(.+)" for import "default"$/.exec(text)?.[1];
  if (imported !== undefined && file === ENTRY) {
    return noDefaultExport(imported);
  }
  return place + text;
}

function noDefaultExport(entry: string): string {
  return `${entry} has no default export; export a function, or an object with fetch, event or scheduled`;
}

/**
 * Throws `build_failed` for a CommonJS module that only assigns other names to its exports, such as
 * `exports.handler`. esbuild takes any object of exports for the default export.
 */
function assertExportsHandler(root: string, entry: string): void {
  const source = readFileSync(join(root, entry), 'utf8');
  const named = [...source.matchAll(/(?<![\w.$])(?:module\.)?exports\.(\w+)\s*=(?!=)/g)].map(
    ([, name]) => name,
  );
  const whole = /(?<![\w.$])module\.exports\s*=(?!=)\s*(?:\{\s*(handler)\b)?/.exec(source);
  const isAny = whole !== null && whole[1] === undefined;
  if (isAny || named.some((name) => HANDLERS.has(name ?? '')) || (named.length === 0 && whole === null))
    return;
  throw new AppError('build_failed', noDefaultExport(entry));
}

/** Returns the npm package that a file belongs to. */
function packageOf(file: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}
