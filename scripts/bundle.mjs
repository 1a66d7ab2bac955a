// Bundles what is started often: a process from 1,860 files takes twice the time of one from forty.
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { build } from 'esbuild';

const COMMON = { bundle: true, platform: 'node', target: 'node20', sourcemap: true, logLevel: 'warning' };
/** Drivers of databases that are not ours, which knex names, and packages that find files beside their own. */
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
  ...['@electric-sql/pglite', 'assemblyscript', 'esbuild', 'libsql', 'quickjs-wasi'],
];
const APP = 'dist/app';

/** The program: `orama`, the Procfile's processes, and what they share. */
export async function bundleProgram() {
  await build({
    ...COMMON,
    entryPoints: { orama: 'dist/src/cli/main.js', main: 'dist/src/main.js', worker: 'dist/workers/main.js' },
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
}

/** Guest threads, which start by the dozen: each from one file, and without the logger that wasi-js loads. */
export async function bundleThreads() {
  for (const thread of ['thread', 'compile-thread']) {
    await build({
      ...COMMON,
      entryPoints: [`dist/workers/threads/${thread}.js`],
      outfile: `dist/workers/threads/${thread}.cjs`,
      format: 'cjs',
      alias: { debug: './scripts/no-debug.cjs' },
    });
  }
}

/** `import.meta.url` stays the place of the module's own file: templates, threads and scripts are found beside it. */
function keepWhereItWas({ onLoad }) {
  onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
    const text = await readFile(path, 'utf8');
    if (!text.includes('import.meta.url')) return undefined;
    const place = JSON.stringify(relative(resolve(APP), path));
    return { contents: text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
  });
}
