// Runs the WebAssembly specification's test suite: every module whose instances the engine can
// restore is run, restored and run again in each mode (fresh, as a reactor's snapshot, with write
// barriers), and must behave like a new instance of the original. `npm run build && node
// scripts/spec-suite.mjs [scripts]`; test/workers/spec-suite.test.ts runs a part of it.
import { runScripts, scriptsOf, specSuite } from '../dist/test/helpers/spec-suite.js';

const suite = await specSuite();
if (suite === null) throw new Error('The suite comes with a Go module: Go and its module proxy are needed.');
const asked = process.argv.slice(2);
const { differences, ...count } = runScripts(suite, asked.length > 0 ? asked : scriptsOf(suite));
for (const difference of differences) console.log(difference);
console.log({ ...count, differences: differences.length });
process.exitCode = differences.length > 0 || count.actions === 0 ? 1 : 0;
