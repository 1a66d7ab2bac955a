import { readFileSync } from 'node:fs';
import test from 'ava';
import { generatedPages } from '../../src/docs/tables.js';

for (const [name, text] of Object.entries(generatedPages())) {
  test(`docs/${name} equals the page generated from the code`, (t) => {
    t.is(readFileSync(`docs/${name}`, 'utf8'), text, 'run npm run docs');
  });
}
