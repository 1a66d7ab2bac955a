import { readFileSync } from 'node:fs';
import test from 'ava';
import { generatedPages } from '../../src/docs/tables.js';

for (const [name, text] of Object.entries(generatedPages())) {
  test(`docs/${name} says what the code says`, (t) => {
    t.is(readFileSync(`docs/${name}`, 'utf8'), text, 'run npm run docs');
  });
}
