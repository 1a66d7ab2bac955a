import { randomBytes } from 'node:crypto';
import type { ParsedModule } from '../binary/parse.js';
import type { Redirection } from '../instrument/instrumented-code.js';
import { goFunctions } from './go-functions.js';
import type { GoTable } from './go-shape.js';

/**
 * Draws of the runtime's own that a program has no way to see, by who draws and from what
 * (runtime/rand.go; `maps.rand` is its name for the map package):
 * - the seeds of maps (internal/runtime/maps, and runtime/map.go where that is inlined). Iterators,
 *   which draw where they begin, are not among them. `internal/godebug.update` and
 *   `reparsedebugvars` have a map on their stack;
 * - the seeds of the tables that sync.Map and unique are made of (internal/sync, unique);
 * - the key of the hash function (`alginit`, which Go 1.26 inlines into `schedinit`);
 * - the seed of `cheaprand`, which decides what is sampled and cached and the order of timers that
 *   are due at once. A `select` draws from it, too: see `SELECTS`.
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
 * The calls by which Go's runtime draws random numbers for itself, answered by a generator of their
 * own. They decide how the entries of a map lie in memory, say, and nothing that a program may rely
 * on, but every start leaves something of them behind: with these held equal, two starts that
 * differ in random numbers differ in nothing else than what the program itself has drawn. The
 * generator begins with a secret number for each preparation, so hashes stay unpredictable. Null
 * where the functions are not found: then hidden draws differ like everything else that is random.
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
