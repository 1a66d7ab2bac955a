// Runs two namespaces with 64 concurrent invocations in four languages, and searches for one that
// saw data of the other: `node scripts/isolation.mjs [invocations]`, after `npm run build`. Exits
// with 1 if there was any.
import { isolationRound } from '../dist/test/helpers/isolation.js';
import { openEngine } from '../dist/workers/engine/engine.js';

const invocations = Number(process.argv[2] ?? 20_000);
const engine = openEngine();
const { runs, mixed } = await isolationRound(engine, { invocations, atOnce: 64 });
await engine.close();
for (const line of mixed.slice(0, 10)) console.log(line);
console.log(`${runs} invocations, ${mixed.length} mixed up`);
process.exitCode = mixed.length > 0 ? 1 : 0;
