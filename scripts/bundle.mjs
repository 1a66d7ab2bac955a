// Bundles what is started often: a process from 1,860 files takes twice the time of one from forty.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { writeLicences } from './licences.mjs';

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  // V8 keeps the source of each loaded file, with two bytes for each character where one of them,
  // in a comment mostly, is not Latin-1. dist/THIRD_PARTY_LICENSES.txt has the licences.
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};
/**
 * Drivers of databases that are not ours, which knex names, and packages that find files beside
 * their own.
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
 * Scripts that the program starts as threads and processes of its own. Each is an entry of the
 * bundle beside the mains, since the installed package holds none of the modules that they import.
 */
const STARTED = {
  'sqlite-thread': 'dist/db/drivers/sqlite/thread.js',
  'sqlite-child': 'dist/db/functions/drivers/sqlite-child.js',
  'queue-thread': 'dist/queues/drivers/sqlite/thread.js',
  'zstd-thread': 'dist/src/egress/zstd-thread.js',
};

/**
 * Bundles all that the installed package runs. The packages in it and what it imports from outside
 * go to dist/bundle.json, for the SBOM and a test.
 */
export async function bundle() {
  const metafiles = [...(await bundleThreads()), await bundleProgram()];
  const inputs = [...new Set(metafiles.flatMap((metafile) => Object.keys(metafile.inputs)))];
  const imports = metafiles.flatMap((metafile) => Object.values(metafile.outputs).flatMap((o) => o.imports));
  const external = [...new Set(imports.filter((found) => found.external).map(({ path }) => path))].sort();
  const packages = writeLicences(inputs, 'dist/THIRD_PARTY_LICENSES.txt');
  await writeFile('dist/bundle.json', JSON.stringify({ packages, external }));
}

/** The program: `orama`, the Procfile's processes, what they start, and what they share. */
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
    // CommonJS packages require Node's own modules, and ES modules have no `require`.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    plugins: [{ name: 'where-it-was', setup: keepWhereItWas }],
  });
  return metafile;
}

/**
 * Guest threads, which start by the dozen: each from one file, and without the logger that wasi-js
 * loads.
 */
async function bundleThreads() {
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

/**
 * A file that is started and not imported, as in `new URL('./thread.js', import.meta.url)`, or the
 * module's own URL.
 */
const STARTED_OR_URL = /new URL\('(\.\/[\w-]+\.js)', import\.meta\.url\)|import\.meta\.url/g;

/**
 * `import.meta.url` stays the place of the module's own file: templates and guest threads are found
 * beside it. A script that is started is its bundle instead; one that STARTED does not name would
 * be missing from the package.
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
      return `new URL('./${name}.js', import.meta.url)`;
    });
    return { contents };
  });
}
