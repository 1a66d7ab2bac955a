// Compiles the TypeScript of tsconfig.json file by file; types are checked by `npm run typecheck`.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';

const OUT = 'dist';
/** Copied to dist/ unchanged. */
const TEMPLATES = join('src', 'cli', 'templates');

export async function compile() {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const { fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  const sources = fileNames.filter((file) => !file.endsWith('.d.ts'));
  await build({
    entryPoints: sources,
    outbase: '.',
    outdir: OUT,
    format: 'esm',
    platform: 'node',
    target: config.compilerOptions.target,
    sourcemap: true,
    logLevel: 'warning',
  });
  removeStale(
    new Set(sources.map((file) => file.replace(/^\.\//, '').replace(/\.ts$/, '.js'))),
    config.include,
  );
}

/** Removes the output of deleted sources: a deleted test would otherwise still run. */
function removeStale(compiled, folders) {
  for (const folder of folders) {
    for (const entry of readdirSync(join(OUT, folder), { recursive: true })) {
      const file = join(folder, entry);
      const isCompiled = /\.js(\.map)?$/.test(file) && !file.startsWith(TEMPLATES);
      if (isCompiled && !compiled.has(file.replace(/\.map$/, ''))) rmSync(join(OUT, file));
    }
  }
}
