import test from 'ava';
import { notRun } from '../helpers/not-run.js';
import { runScripts, specSuite } from '../helpers/spec-suite.js';

/**
 * The scripts about what is reset or instrumented: memory, data, globals, growth, and surrounding
 * code. `scripts/spec-suite.mjs` runs all.
 */
const SCRIPTS = [
  ...['address', 'align', 'binary-leb128', 'call', 'call_indirect', 'data', 'endianness', 'exports'],
  ...['float_memory', 'func', 'global', 'imports', 'left-to-right', 'linking', 'load', 'loop'],
  ...['memory', 'memory_copy', 'memory_fill', 'memory_grow', 'memory_init', 'memory_size'],
  ...['memory_redundancy', 'memory_trap', 'names', 'nop', 'ref_func', 'start', 'store', 'unwind'],
];

const suite = await specSuite();
if (suite === null) {
  notRun('go and its module proxy: not found, the suite of the WebAssembly specification not run');
} else {
  test('modules of the WebAssembly specification behave the same on restored instances as on new ones', (t) => {
    t.timeout(300_000);
    const { modules, actions, modes, differences } = runScripts(suite, SCRIPTS);
    t.deepEqual(differences.slice(0, 10), []);
    t.true(modules > 150, `${modules} modules`);
    t.true(actions > 10_000, `${actions} actions`);
    t.true((modes.marked ?? 0) > 100, `${modes.marked} with write barriers`);
  });
}
