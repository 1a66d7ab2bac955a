import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { build } from 'esbuild';

// A script that is started by hand, such as that of `npm run dev`, is run by no other test.
test('what a script imports from another is exported there', async (t) => {
  const names = await readdir('scripts', { recursive: true });
  const scripts = names.filter((name) => name.endsWith('.mjs')).map((name) => join('scripts', name));
  t.true(scripts.includes(join('scripts', 'dev.mjs')));
  await t.notThrowsAsync(
    build({
      entryPoints: scripts,
      bundle: true,
      write: false,
      outdir: 'unused',
      format: 'esm',
      platform: 'node',
      packages: 'external',
      external: ['../dist/*', '../../dist/*'],
      logLevel: 'silent',
    }),
  );
});
