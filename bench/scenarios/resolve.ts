import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../db/open.js';
import { openBus } from '../../src/bus/open.js';
import { aliasSchema, LIVE_ALIAS } from '../../src/contract/alias.js';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { functionNameSchema, namespaceSchema } from '../../src/contract/ids.js';
import { Catalog } from '../../src/core/functions/catalog.js';
import { anEntry, ENOUGH_FOR_ALL } from '../../test/helpers/audited.js';
import { heading, median, row, spread } from '../figures.js';

const CALLS = 200_000;
const ROUNDS = 9;

/**
 * The cost of aliases: choosing the version of an invocation with and without an alias, compared
 * with resolving a known version, as it would be done if there were no aliases.
 */
export async function resolve(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'orama-bench-'));
  const store = await openStore({ driver: 'sqlite', file: join(dir, 'store.sqlite') });
  const bus = await openBus({ driver: 'local' });
  const catalog = await Catalog.open({ store, bus });
  const name = functionNameSchema.parse('hello');
  const plain = namespaceSchema.parse('plain');
  const split = namespaceSchema.parse('split');
  try {
    for (const namespace of [plain, split]) {
      const settings = functionSettingsSchema.parse({ name, metadata: {} });
      for (let version = 0; version < 2; version++) {
        const made = { namespace, settings, wasmCid: 'bafy', createdBy: 'bench', limits: ENOUGH_FOR_ALL };
        await store.functions.addVersion({ ...made, warmStart: 'fresh' }, anEntry());
      }
    }
    const alias = aliasSchema.parse(LIVE_ALIAS);
    const live = { namespace: split, function: name, alias, version: 1, weights: { 2: 10 } };
    await store.aliases.put({ ...live, updatedAt: Date.now() }, anEntry());
    const contenders = {
      'a known version': () => catalog.resolve(plain, name, 2),
      'the newest, no aliases': () => catalog.choose(plain, name),
      'the alias `live` with a weight': () => catalog.choose(split, name),
    };
    const times = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [each, call] of Object.entries(contenders)) {
        const began = performance.now();
        for (let done = 0; done < CALLS; done++) await call();
        const ns = ((performance.now() - began) * 1e6) / CALLS;
        times.set(each, [...(times.get(each) ?? []), ns]);
      }
    }
    heading('Choosing the version of an invocation', 'what', 'ns each', 'ratio');
    const base = times.get('a known version') ?? [];
    for (const [each, ns] of times) {
      const ratio = ns.map((value, round) => value / (base[round] ?? value));
      row(each, spread(ns), ns === base ? '' : spread(ratio, 2));
    }
    console.log(
      `\nA sync call takes some 200 µs of processor time: ${(median(base) / 2000).toFixed(2)} % of it.`,
    );
  } finally {
    await catalog.close();
    await bus.close();
    await store.close();
    await rm(dir, { recursive: true });
  }
}
