// Builds the guide of docs/ into dist/guide; a process of its own, beside the compiler.
import { build } from 'vitepress';
import { buildSite } from './built-site.mjs';

await buildSite({
  out: 'dist/guide',
  stampFile: 'dist/.guide',
  packages: ['vitepress'],
  sources: ['docs', 'scripts/guide.mjs'],
  build: () => build('docs'),
});
