// Mutates the modules of the fixtures and parses each like a deploy: `node
// scripts/fuzz-rewriter.mjs [mutations] [first seed]`, after `npm run build`. Prints mutations that
// were neither accepted nor refused with a typed error; exits with 1 if there were any.

import { fuzzModule } from '../dist/test/helpers/fuzz.js';
import { guest } from '../dist/test/helpers/guests.js';

const SOURCES = [
  'copy.c',
  'wasi.c',
  'kitchen.reactor.c',
  'kitchen.as.ts',
  'host.as.ts',
  'kitchen.rs',
  'kitchen.go',
];
const mutations = Number(process.argv[2] ?? 10_000);
const first = Number(process.argv[3] ?? Date.now() % 1_000_000);

let found = 0;
for (const source of SOURCES) {
  const wasm = await guest(source);
  const share = Math.ceil(mutations / SOURCES.length);
  // Fewer mutations of modules of several megabytes: they take a thousand times as long to compile
  // and reveal nothing new.
  const seeds = wasm.length > 1 << 20 ? Math.ceil(share / 100) : share;
  for (let seed = first; seed < first + seeds; seed++) {
    const problem = fuzzModule(wasm, seed);
    if (problem === null) continue;
    found++;
    console.log(`${source}, seed ${seed}: ${problem}`);
  }
  console.log(`${source}: ${seeds} mutations`);
}
console.log(`${found} problems`);
process.exitCode = found > 0 ? 1 : 0;
