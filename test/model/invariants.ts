import assert from 'node:assert/strict';
import type { Api, JsonValue } from '../helpers/api.js';
import { eventually } from '../helpers/eventually.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands } from '../helpers/probe.js';
import { type Driven, FUNCTION, MOST_RETRIES } from './driven.js';

const LIVE = ['queued', 'running', 'retrying'];
const DEEPEST = 5;
const MOST_DEATHS = 3;

/** Waits until the engine has nothing left to do, then holds what it did against what it promised. */
export async function checkInvariants(driven: Driven): Promise<void> {
  const { api, accepted } = driven;
  await driven.settled();
  const records = await eventually('all has ended', async () => {
    const all = await everyInvocation(api);
    return all.every(({ state }) => !LIVE.includes(state)) && all;
  });
  const byId = new Map(records.map((record) => [record.request_id, record]));

  for (const id of accepted) assert.ok(byId.has(id), `${id} was accepted and is lost`);
  const events = records.filter(({ trigger, trigger_depth }) => trigger === 'pubsub' && trigger_depth === 1);
  assert.ok(
    events.length >= driven.published - driven.deletes,
    `${driven.published} events, ${events.length} runs`,
  );

  const logs = await loggedAttempts(api, FUNCTION);
  for (const record of records) {
    const deaths = deathsOf(record);
    const { length } = record.attempts;
    assert.ok(deaths <= MOST_DEATHS, `${record.request_id}: ${deaths} deaths`);
    // A worker killed between the row of a failed attempt and the job's return to the queue leaves no row of its death.
    const most = 1 + MOST_RETRIES + Math.min(MOST_DEATHS, Math.max(deaths, driven.kills));
    assert.ok(length <= most, `${record.request_id}: ${length} attempts, ${most} allowed`);
    assert.ok(record.trigger_depth <= DEEPEST, `${record.request_id}: depth ${record.trigger_depth}`);
    const logged = logs
      .filter(({ request_id }) => request_id === record.request_id)
      .map(({ attempt, status }) => [attempt, status])
      .sort();
    const attempts = record.attempts.map(({ number, status }: JsonValue) => [number, status]);
    assert.deepEqual(logged, attempts, `${record.request_id}: log and attempts differ`);
  }

  for (const [key, ids] of driven.byKey) {
    assert.equal(ids.size, 1, `${key} was answered with ${ids.size} invocations`);
    const [id = ''] = ids;
    const record = byId.get(id);
    const deaths = deathsOf(record);
    const read = await api.invoke(FUNCTION, commands({ op: 'cache_get', a: key }));
    const runs = Number(read.json.results[0]);
    assert.ok(runs <= 1 + deaths, `${key} ran ${runs} times under ${deaths} deaths`);
    if (record.state === 'success') assert.ok(runs >= 1, `${key} succeeded without a run`);
  }
}

async function everyInvocation(api: Api): Promise<JsonValue[]> {
  const ids = new Set<string>();
  let cursor: string | null = null;
  do {
    const page: JsonValue = (await api.get(`/v1/invocations?limit=100${cursor ? `&cursor=${cursor}` : ''}`))
      .json;
    for (const { request_id } of page.invocations) ids.add(request_id);
    cursor = page.next_cursor;
  } while (cursor);
  return Promise.all(Array.from(ids, async (id) => (await api.get(`/v1/invocations/${id}`)).json));
}

function deathsOf({ attempts }: JsonValue): number {
  return attempts.filter(({ error }: JsonValue) => /^worker died/.test(error ?? '')).length;
}
