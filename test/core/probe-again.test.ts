import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { openBus } from '../../src/bus/open.js';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import { createCatalog } from '../../src/core/catalog.js';
import { startProbeAgain } from '../../src/core/probe-again.js';
import { warmStartOf } from '../../src/core/warm-start.js';
import type { InspectSettings, ModuleReport } from '../../src/ports/engine.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const GIVEN_UP: ModuleReport = { kind: 'command', warmStart: 'fresh', note: 'given up', inconclusive: true };

test('an inconclusive probe is repeated until it is conclusive, and the version is then updated', async (t) => {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  const bus = await openBus({ driver: 'local' });
  const catalog = await createCatalog({ store, bus });
  t.teardown(async () => {
    await catalog.close();
    await bus.close();
    await store.close();
  });
  const namespace = aNamespace();
  const settings = functionSettingsSchema.parse({
    name: 'hello',
    metadata: functionMetadataSchema.parse({ env: {}, triggers: [] }),
  });
  const made = await store.functions.addVersion({
    namespace,
    settings,
    wasmCid: 'cid',
    ...warmStartOf(GIVEN_UP),
    createdBy: 'admin',
  });
  t.is(made.warm_start_reason, 'given up; it is tried again in the background');

  const asked: InspectSettings[] = [];
  const answers: ModuleReport[] = [GIVEN_UP, { kind: 'command', warmStart: 'go-command' }];
  const deployed: string[] = [];
  await catalog.onDeployed(({ warm_start }) => deployed.push(warm_start));
  const probeAgain = startProbeAgain({
    store,
    catalog,
    blobs: { get: async () => new Uint8Array(1) },
    engine: {
      inspect: async (_wasm, settings) => {
        asked.push(settings);
        return answers.shift() ?? GIVEN_UP;
      },
    },
    logger: { info: () => {} },
    firstWaitMs: 5,
  });
  t.teardown(() => probeAgain.close());
  await until('the version is settled', async () => (await store.functions.unsettled(10)).length === 0);
  await until('the deploy handlers are called', () => deployed.length > 0);
  t.deepEqual(deployed, ['go-command']);
  t.is(asked.length, 2);
  t.true(asked.every((settings) => settings.again === true && settings.namespace === namespace));
  const { warm_start, warm_start_reason, probe_pending } = await catalog.resolve(namespace, aName('hello'));
  t.deepEqual([warm_start, warm_start_reason, probe_pending], ['go-command', null, undefined]);
});

test('a fresh warm start has a reason: that of the module kind or the note of the probe', (t) => {
  t.regex(
    warmStartOf({ kind: 'command', warmStart: 'fresh' }).warmStartReason ?? '',
    /starts in microseconds/,
  );
  t.is(
    warmStartOf({ kind: 'command', warmStart: 'fresh', note: 'runs as fresh: x' }).warmStartReason,
    'runs as fresh: x',
  );
  t.is(warmStartOf({ kind: 'reactor', warmStart: 'reactor' }).warmStartReason, null);
});
