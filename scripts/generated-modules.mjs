// Runs modules that wasm-smith generates: each export is called on a new instance of the original
// and, in each mode, on instances that are put back in between; results and memory must be the
// same. Needs cargo. `npm run build && node scripts/generated-modules.mjs [modules] [first seed]`.
// Prints the seeds of what differs.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareModes } from '../dist/test/helpers/every-mode.js';
import { parse, typeOfFunction } from '../dist/workers/wasm/binary/parse.js';
import { F32, F64, I32, I64 } from '../dist/workers/wasm/binary/value-types.js';

const modules = Number(process.argv[2] ?? 2000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const BATCH = 500;

// Kept from run to run: compiling wasm-smith takes a minute.
const project = join(tmpdir(), 'orama-generated-modules');
mkdirSync(join(project, 'src'), { recursive: true });
const source = new URL('./generated-modules/', import.meta.url);
cpSync(new URL('Cargo.toml', source), join(project, 'Cargo.toml'));
cpSync(new URL('main.rs', source), join(project, 'src', 'main.rs'));
execFileSync('cargo', ['build', '--release', '--quiet'], { cwd: project, stdio: 'inherit' });
const generator = join(project, 'target', 'release', 'generated-modules');

const count = { modules: 0, actions: 0, skipped: 0, different: 0 };
const modes = {};
for (let done = 0; done < modules; done += BATCH) {
  const file = join(project, 'modules.bin');
  const first = firstSeed + done;
  execFileSync(generator, [String(first), String(Math.min(BATCH, modules - done)), file]);
  const bytes = readFileSync(file);
  for (let at = 0, seed = first; at < bytes.length; seed++) {
    const length = bytes.readUInt32LE(at);
    check(new Uint8Array(bytes.subarray(at + 4, at + 4 + length)), seed);
    at += 4 + length;
  }
}
console.log(`from seed ${firstSeed}`, { ...count, modes });
process.exitCode = count.different > 0 || count.actions === 0 ? 1 : 0;

function check(wasm, seed) {
  const comparison = wasm.length === 0 ? null : compareModes(wasm, actionsOf(wasm, seed), () => ({}));
  if (comparison === null) {
    count.skipped++;
    return;
  }
  count.modules++;
  count.actions += comparison.actions;
  for (const mode of comparison.modes) modes[mode] = (modes[mode] ?? 0) + 1;
  if (comparison.differences.length > 0) count.different++;
  for (const difference of comparison.differences.slice(0, 3)) console.log(`seed ${seed}: ${difference}`);
}

/** Two calls of each exported function, with arguments of its types. */
function actionsOf(wasm, seed) {
  let state = (seed * 2_654_435_761) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state % 3 === 0 ? state & 0xff : state;
  };
  const argument = (type) => {
    if (type === I64) return (BigInt(next()) << 32n) ^ BigInt(next());
    if (type === F32 || type === F64) return next() / 1000;
    return type === I32 ? next() : null;
  };
  const module = parse(wasm);
  const functions = module.exports.filter(({ kind }) => kind === 'function');
  return [...functions, ...functions].map(({ name, index }) => ({
    field: name,
    args: typeOfFunction(module, index).params.map(argument),
  }));
}
