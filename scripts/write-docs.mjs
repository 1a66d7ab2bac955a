// Writes the pages of docs/ that are generated from the code. Run after a build.
import { writeFileSync } from 'node:fs';
import { generatedPages } from '../dist/src/docs/tables.js';

for (const [name, text] of Object.entries(generatedPages())) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
}
