// Builds the guide from docs/ into dist/guide; a separate process that runs in parallel with the
// compiler.
import { build } from 'vitepress';
import { buildSite } from './built-site.mjs';

await buildSite({
  out: 'dist/guide',
  stampFile: 'dist/.guide',
  packages: ['vitepress'],
  sources: ['docs', 'scripts/guide.mjs'],
  build: () => build('docs'),
});
