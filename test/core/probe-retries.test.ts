import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../db/open.js';
import { openBus } from '../../src/bus/open.js';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import { Catalog } from '../../src/core/functions/catalog.js';
import { ProbeRetries } from '../../src/core/functions/probe-retries.js';
import { warmStartOf } from '../../src/core/functions/warm-start.js';
import type { InspectSettings, ModuleInspection } from '../../src/ports/engine.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH_FOR_ALL } from '../helpers/audited.js';
import { closedGate } from '../helpers/gate.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const GIVEN_UP: ModuleInspection = {
  kind: 'command',
  warmStart: 'fresh',
  note: 'given up',
  inconclusive: true,
};

const CONCLUSIVE: ModuleInspection = { kind: 'command', warmStart: 'go-command' };

/** A store with versions whose probes were inconclusive, and what repeats them. */
async function scene(
  t: ExecutionContext,
  inspect: (settings: InspectSettings) => Promise<ModuleInspection>,
  get: (cid: string) => Promise<Uint8Array> = async () => new Uint8Array(1),
) {
  const store = await openStore({ driver: 'sqlite', file: join(directory, `${randomUUID()}.sqlite`) });
  const bus = await openBus({ driver: 'local' });
  const catalog = await Catalog.open({ store, bus });
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
  const addVersion = (wasmCid: string) =>
    store.functions.addVersion(
      {
        namespace,
        settings,
        wasmCid,
        ...warmStartOf(GIVEN_UP),
        createdBy: 'admin',
        limits: ENOUGH_FOR_ALL,
      },
      anEntry(),
    );
  const start = () => {
    const probeRetries = new ProbeRetries({
      store,
      catalog,
      blobs: { get },
      engine: { inspect: (_wasm, settings) => inspect(settings) },
      logger: { info: () => {} },
      firstWaitMs: 5,
    });
    t.teardown(() => probeRetries.close());
    return probeRetries;
  };
  const pending = async () => (await store.functions.probePending(100, 0)).map(({ wasm_cid }) => wasm_cid);
  return { catalog, namespace, addVersion, start, pending };
}

const cids = (count: number) => Array.from({ length: count }, (_, at) => `cid-${at}`);

test('an inconclusive probe is repeated until it is conclusive, and the version is then updated', async (t) => {
  const asked: InspectSettings[] = [];
  const answers = [GIVEN_UP, CONCLUSIVE];
  const { catalog, namespace, addVersion, start, pending } = await scene(t, async (settings) => {
    asked.push(settings);
    return answers.shift() ?? GIVEN_UP;
  });
  const made = await addVersion('cid');
  t.is(made.warm_start_reason, 'given up; it is tried again in the background');

  const deployed: string[] = [];
  await catalog.onDeployed(({ warm_start }) => deployed.push(warm_start));
  start();
  await until('the version is settled', async () => (await pending()).length === 0);
  await until('the deploy handlers are called', () => deployed.length > 0);
  t.deepEqual(deployed, ['go-command']);
  t.is(asked.length, 2);
  t.true(asked.every((settings) => settings.again === true && settings.namespace === namespace));
  const { warm_start, warm_start_reason, probe_pending } = await catalog.resolve(namespace, aName('hello'));
  t.deepEqual([warm_start, warm_start_reason, probe_pending], ['go-command', null, undefined]);
});

test('the probes of more versions than one query returns are all repeated', async (t) => {
  const { addVersion, start, pending } = await scene(t, async () => CONCLUSIVE);
  for (const cid of cids(21)) await addVersion(cid);
  start();
  await until('all versions are settled', async () => (await pending()).length === 0);
  t.pass();
});

test('versions whose probes stay inconclusive do not hold up those behind them', async (t) => {
  const all = cids(22);
  const stuck = all.slice(0, 21);
  const { addVersion, start, pending } = await scene(t, async ({ cid }) =>
    stuck.includes(cid) ? GIVEN_UP : CONCLUSIVE,
  );
  for (const cid of all) await addVersion(cid);
  start();
  await until('the last version is settled', async () => (await pending()).length === stuck.length);
  t.deepEqual(await pending(), stuck);
});

test('a version whose module cannot be read does not hold up those behind it', async (t) => {
  const { addVersion, start, pending } = await scene(
    t,
    async () => CONCLUSIVE,
    async (cid) => {
      if (cid === 'lost') throw new Error('not found');
      return new Uint8Array(1);
    },
  );
  await addVersion('lost');
  await addVersion('found');
  start();
  await until('the other version is settled', async () => (await pending()).length === 1);
  t.deepEqual(await pending(), ['lost']);
});

test('a version that is deployed while probes are repeated is repeated after them', async (t) => {
  const { opened, open } = closedGate();
  const asked: string[] = [];
  const { addVersion, start, pending } = await scene(t, async ({ cid }) => {
    asked.push(cid);
    await opened;
    return CONCLUSIVE;
  });
  await addVersion('before');
  const probeRetries = start();
  await until('the probe of the first version has begun', () => asked.length > 0);
  await addVersion('meanwhile');
  probeRetries.schedule();
  // Longer than the wait before a round, which would begin now if none were running.
  await sleep(50);
  t.deepEqual(asked, ['before']);
  open();
  await until('both versions are settled', async () => (await pending()).length === 0);
  t.deepEqual(asked, ['before', 'meanwhile']);
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
