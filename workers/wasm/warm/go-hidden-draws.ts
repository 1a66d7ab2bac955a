import { randomBytes } from 'node:crypto';
import type { ParsedModule } from '../binary/module.js';
import type { Redirection } from '../instrument/instrumented-code.js';
import { goFunctions } from './go-functions.js';
import type { GoTable } from './go-shape.js';

/**
 * Random draws of Go's runtime that a program cannot observe, by caller and by callee (Go 1.24 to
 * 1.26, runtime/rand.go; `maps.rand` is its name in the map package):
 * - the seeds of maps (internal/runtime/maps, and runtime/map.go where that is inlined). Iterators
 *   are excluded, because they draw where iteration begins. `internal/godebug.update` and
 *   `reparsedebugvars` have a map on their stack;
 * - the seeds of the tables of sync.Map and unique (internal/sync, unique);
 * - the key of the hash function (`alginit`, which Go 1.26 inlines into `schedinit`);
 * - the seed of `cheaprand`, which decides what is sampled and cached, and the order of timers that
 *   are due at the same time. A `select` also draws from it: see `SELECTS`.
 */
const HIDDEN_DRAWS: readonly { callers: RegExp; callees: readonly string[] }[] = [
  {
    callers:
      /^(internal\/runtime\/maps\.(NewMap|NewEmptyMap|\(\*Map\)\.\w+)|runtime\.(makemap|makemap_small|mapclear))$/,
    callees: ['runtime.rand', 'internal/runtime/maps.rand'],
  },
  {
    callers:
      /^(internal\/sync\.\(\*HashTrieMap\[.*\]\)\.init(Slow)?|unique\..*|internal\/godebug\.update|runtime\.reparsedebugvars)$/,
    callees: ['runtime.rand'],
  },
  { callers: /^runtime\.(alginit|schedinit)$/, callees: ['runtime.bootstrapRand'] },
  { callers: /^runtime\.(mrandinit|mcommoninit)$/, callees: ['runtime.rand'] },
];
/** Chooses among channels that are ready. */
const SELECTS = 'runtime.selectgo';

/**
 * Returns a redirection that answers the runtime's hidden random draws by a separate generator.
 * These draws determine, for example, how the entries of a map are arranged in memory, and nothing
 * that a program may rely on, but every start leaves traces of them. With identical draws, two
 * starts with different random numbers differ only in what the program itself has drawn. The
 * generator is seeded with a secret number per preparation, so hashes stay unpredictable. Returns
 * null when the functions are not found; hidden draws then differ like all other random numbers.
 */
export function goHiddenDraws(module: ParsedModule, table: GoTable): Redirection | null {
  const functions = goFunctions(module, table);
  if (functions === null) return null;
  const calls = new Map<number, Set<number>>();
  for (const { callers, callees } of HIDDEN_DRAWS) {
    const targets = callees.flatMap((name) => functions.get(name) ?? []);
    for (const [name, index] of functions) {
      if (callers.test(name)) calls.set(index - module.importedFunctions, new Set(targets));
    }
  }
  const select = functions.get(SELECTS);
  return {
    calls,
    watched: select === undefined ? null : select - module.importedFunctions,
    seed: randomBytes(8).readBigInt64LE(),
  };
}
