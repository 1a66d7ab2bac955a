import { readFileSync } from 'node:fs';
import test from 'ava';
import { globSync } from 'tinyglobby';
import { hostFunctionNames } from '../../src/contract/host-functions.js';

/** Functions that an SDK may wrap instead of a more specific one. */
const WIDER: Readonly<Record<string, string>> = { cache_incr: 'cache_incr_by', http_fetch: 'http_start' };

for (const sdk of ['go', 'rust', 'c', 'assemblyscript', 'javascript']) {
  test(`the ${sdk} SDK provides every host function`, (t) => {
    const files = globSync(`sdk/${sdk}/**/*.{go,rs,h,ts,js,c}`);
    const source = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const isThere = (name: string) => new RegExp(`\\b${name}(_into)?\\b`).test(source);
    const absent = hostFunctionNames().filter((name) => !isThere(name) && !isThere(WIDER[name] ?? name));
    t.deepEqual(absent, []);
  });
}
