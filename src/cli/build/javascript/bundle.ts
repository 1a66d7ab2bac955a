import { builtinModules } from 'node:module';
import { relative, resolve } from 'node:path';
import type { BuildFailure, Message, Plugin } from 'esbuild';
import { AppError } from '../../../errors.js';
import { packagePath } from '../../package.js';
import { lineTable } from './line-table.js';

/** The name of the bundle in stacks. The runtime knows it too (sdk/javascript/runtime/lines.ts). */
export const BUNDLE_NAME = 'function.js';
const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
const RUNTIME = "globalThis[Symbol.for('orama')]";

/**
 * One ES module with all that the function imports, and before it, on its first line, where its
 * lines come from.
 */
export async function bundle(directory: string, entry: string): Promise<string> {
  // Loaded here, since most commands do without.
  const { build } = await import('esbuild');
  const root = resolve(directory);
  try {
    const { outputFiles } = await build({
      stdin: {
        contents: `import handler from ${JSON.stringify(`./${entry}`)};\n${RUNTIME}.setHandler(handler);\n`,
        resolveDir: root,
        sourcefile: 'orama:entry',
      },
      absWorkingDir: root,
      bundle: true,
      write: false,
      outfile: BUNDLE_NAME,
      format: 'esm',
      platform: 'neutral',
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
    const { sources, lines } = lineTable(`\n${code.text}`, shifted(map.text));
    return `${RUNTIME}.setLineTable(${JSON.stringify(sources)},${JSON.stringify(lines)});\n${code.text}`;
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new AppError('build_failed', error.errors.map((message) => explain(message, root)).join('\n'), {
      cause: error,
    });
  }
}

/** `orama` is what the runtime has, wherever the function keeps its copy of the types. */
const sdk: Plugin = {
  name: 'orama',
  setup({ onResolve }) {
    onResolve({ filter: /^orama$/ }, () => ({ path: packagePath('sdk/javascript/orama/index.js') }));
  },
};

/** The map of a bundle with one line put before it. */
function shifted(mapJson: string): string {
  const map = JSON.parse(mapJson) as { mappings: string };
  return JSON.stringify({ ...map, mappings: `;${map.mappings}` });
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

/** `index.ts:3:9: …`; of a module of Node's own, the package that wants it. */
function explain({ text, location }: Message, root: string): string {
  const wanted = /^Could not resolve "(.+)"$/.exec(text)?.[1];
  const file = location === null ? '' : relative(root, resolve(root, location.file));
  const place = location === null ? '' : `${file}:${location.line}:${location.column + 1}: `;
  if (wanted !== undefined && BUILTINS.has(wanted)) {
    const owner = packageOf(file) ?? file;
    return `${place}${owner} needs ${wanted}, a module of Node that functions do not have; use a package made for browsers or Workers`;
  }
  if (wanted !== undefined) return `${place}${wanted} was not found; install it with "npm install ${wanted}"`;
  if (text.includes('No matching export') && text.includes('"default"')) {
    return `${place}there is no default export; export a function, or an object with fetch, event or scheduled`;
  }
  return place + text;
}

/** The npm package that a file is of. */
function packageOf(file: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}
