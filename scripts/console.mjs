// Builds the console into dist/console.
import { buildSite } from './built-site.mjs';

const SOURCE = 'console';
const OUT = 'dist/console';

export async function buildConsole() {
  await buildSite({
    out: OUT,
    stampFile: 'dist/.console',
    packages: [
      ...['vite', 'preact', 'uplot', '@lezer/highlight'],
      ...['commands', 'lang-json', 'lang-sql', 'language', 'state', 'view'].map(
        (part) => `@codemirror/${part}`,
      ),
    ],
    sources: [SOURCE, 'scripts/console.mjs'],
    build: buildWithVite,
  });
}

async function buildWithVite() {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: SOURCE,
    base: '/console/',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: `../${OUT}`,
      emptyOutDir: true,
      target: 'es2022',
      // Data URLs would require an exception in the content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: { input: { index: `${SOURCE}/index.html`, docs: `${SOURCE}/docs.html` } },
    },
  });
}
