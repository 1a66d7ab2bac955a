// Bundles the programs: a process that loads 1,860 files takes twice as long to start as one that
// loads forty.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { writeLicences } from './licences.mjs';

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  // V8 keeps the source of each loaded file in memory, with two bytes per character if one of them
  // is not Latin-1, which is mostly in a comment. The licences are in
  // dist/THIRD_PARTY_LICENSES.txt.
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};
/**
 * Database drivers that knex references but the project does not use, and packages that load files
 * next to their own.
 */
const EXTERNAL = [
  ...[
    'better-sqlite3',
    'mariadb',
    'mysql',
    'mysql2',
    'oracledb',
    'pg',
    'pg-query-stream',
    'sqlite3',
    'tedious',
  ],
  ...['@photostructure/sqlite', 'assemblyscript', 'esbuild', 'libsql', 'quickjs-wasi'],
];
const APP = 'dist/app';

/**
 * Scripts that the program starts as threads or processes. Each is an entry point of the bundle,
 * because the installed package does not contain the modules that they import.
 */
const STARTED = {
  'sqlite-thread': 'dist/db/drivers/sqlite/thread.js',
  'sqlite-child': 'dist/db/function-databases/drivers/sqlite-child.js',
  'sqlite-watchdog': 'dist/db/function-databases/drivers/sqlite-watchdog-thread.js',
  'queue-thread': 'dist/queues/drivers/sqlite/backend/thread.js',
  'zstd-thread': 'dist/src/egress/zstd-thread.js',
  'blob-thread': 'dist/src/blobs/drivers/local-thread.js',
};

/**
 * Bundles everything that the installed package runs. Writes the bundled packages and the external
 * imports to dist/bundle.json, for the SBOM and a test.
 */
export async function bundle() {
  const metafiles = [...(await bundleThreads()), await bundleProgram()];
  const unreferenced = Object.keys(STARTED).filter((name) => !referenced.has(name));
  if (unreferenced.length > 0) throw new Error(`nothing in the bundle starts ${unreferenced.join(', ')}`);
  assertOneLocale(metafiles);
  const inputs = [...new Set(metafiles.flatMap((metafile) => Object.keys(metafile.inputs)))];
  const imports = metafiles.flatMap((metafile) => Object.values(metafile.outputs).flatMap((o) => o.imports));
  const external = [...new Set(imports.filter((found) => found.external).map(({ path }) => path))].sort();
  const packages = writeLicences(inputs, 'dist/THIRD_PARTY_LICENSES.txt');
  await writeFile('dist/bundle.json', JSON.stringify({ packages, external }));
}

/**
 * Throws if zod was imported as `{ z }`, whose properties include the messages of zod in fifty
 * languages: 440 KB that every process would load.
 */
function assertOneLocale(metafiles) {
  const bundled = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((o) => Object.keys(o.inputs)),
  );
  const locales = new Set(bundled.filter((input) => input.includes('/zod/v4/locales/')));
  if (locales.size > 1) throw new Error("write `import * as z from 'zod'` instead of `import { z }`");
}

/**
 * Bundles the program: `orama`, the processes of the Procfile, the scripts that they start, and
 * shared code.
 */
async function bundleProgram() {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: {
      orama: 'dist/src/cli/main.js',
      main: 'dist/src/main.js',
      worker: 'dist/workers/main.js',
      ...STARTED,
    },
    outdir: APP,
    splitting: true,
    format: 'esm',
    external: EXTERNAL,
    // CommonJS packages call `require` for Node's modules, which ES modules do not have.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    plugins: [{ name: 'where-it-was', setup: keepWhereItWas }],
  });
  return metafile;
}

/**
 * Bundles guest threads, dozens of which may start: each into one file, without the logger that
 * wasi-js loads.
 */
export async function bundleThreads() {
  const threads = ['thread', 'compile-thread'].map((thread) =>
    build({
      ...COMMON,
      entryPoints: [`dist/workers/threads/${thread}.js`],
      outfile: `dist/workers/threads/${thread}.cjs`,
      format: 'cjs',
      alias: { debug: './scripts/no-debug.cjs' },
    }),
  );
  return (await Promise.all(threads)).map(({ metafile }) => metafile);
}

/** Names in STARTED whose start was found in the code. */
const referenced = new Set();
/**
 * Matches a script that is started rather than imported, as in `new URL('./thread.js',
 * import.meta.url)`, and other uses of the module's URL.
 */
const STARTED_OR_URL = /new URL\(["'](\.\/[\w-]+\.js)["'], import\.meta\.url\)|import\.meta\.url/g;

/**
 * Rewrites `import.meta.url` to the location of the original file, because templates and guest
 * threads are found relative to it. A started script is replaced by its bundle; the build fails for
 * one that is not in STARTED, because it would be missing from the package.
 */
function keepWhereItWas({ onLoad }) {
  const bundles = new Map(Object.entries(STARTED).map(([name, path]) => [resolve(path), name]));
  onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
    const text = await readFile(path, 'utf8');
    if (!text.includes('import.meta.url')) return undefined;
    const ours = !relative(resolve('dist'), path).startsWith('..');
    const place = JSON.stringify(relative(resolve(APP), path));
    const contents = text.replaceAll(STARTED_OR_URL, (whole, script) => {
      if (script === undefined || !ours)
        return whole.replace('import.meta.url', `new URL(${place}, import.meta.url).href`);
      const name = bundles.get(join(dirname(path), script));
      if (name === undefined)
        throw new Error(`${path} starts ${script}, which scripts/bundle.mjs does not bundle`);
      referenced.add(name);
      return `new URL('./${name}.js', import.meta.url)`;
    });
    return { contents };
  });
}
