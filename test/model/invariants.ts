import assert from 'node:assert/strict';
import type { Api, JsonValue } from '../helpers/api.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { type Driven, FUNCTION } from './driven.js';

const LIVE = ['queued', 'running', 'retrying'];
const DEEPEST = 5;
const MOST_DEATHS = 3;

/** Waits until the engine is idle and then checks its records against the responses. */
export async function checkInvariants(driven: Driven): Promise<void> {
  const { api, accepted } = driven;
  await driven.settled();
  const records = await until('all invocations have ended', async () => {
    const all = await everyInvocation(api, accepted);
    if (!all?.every(({ state }) => !LIVE.includes(state))) return false;
    // An invocation that ended during the listing may have caused others since.
    const again = await everyInvocation(api, accepted);
    return again?.length === all.length && again;
  });
  const byId = new Map(records.map((record) => [record.request_id, record]));

  checkEvents(driven, records);
  for (const [id, status] of driven.heard) {
    const record = byId.get(id);
    // The reply precedes the row: if the worker is killed in between, the invocation runs again and
    // may end differently.
    if (deathsOf(record) > 0) continue;
    const fits = status === 200 ? ['success'] : ['error', 'timeout', 'dead', 'cancelled'];
    assert.ok(fits.includes(record.state), `${id}: answered with ${status}, but ${record.state}`);
  }
  for (const id of driven.cancelled) {
    const { state, attempts } = byId.get(id);
    assert.ok(
      state === 'cancelled' || attempts.length > 0,
      `${id} was cancelled before it ran, but is ${state}`,
    );
  }

  const logs = await loggedAttempts(api, FUNCTION);
  let unsaid = 0;
  for (const record of records) {
    const crashes = deathsOf(record);
    const { length } = record.attempts;
    assert.ok(crashes <= MOST_DEATHS, `${record.request_id}: ${crashes} crashes`);
    // If a worker is killed between writing the row of a failed attempt and returning the job to
    // the queue, its crash has no row.
    const most = 1 + (driven.retries.get(record.version) ?? 0) + crashes;
    unsaid += Math.max(0, length - most);
    assert.ok(unsaid <= 2 * driven.kills, `${record.request_id}: ${length} attempts, ${most} allowed`);
    assert.ok(record.trigger_depth <= DEEPEST, `${record.request_id}: depth ${record.trigger_depth}`);
    const logged = logs
      .filter(({ request_id }) => request_id === record.request_id)
      .map(({ attempt, status }) => [attempt, status])
      .sort();
    const numbers = record.attempts.map(({ number }: JsonValue) => number);
    const counted = Array.from({ length }, (_, at) => at + 1);
    assert.deepEqual(numbers, counted, `${record.request_id}: an attempt has no record`);
    const early = record.attempts.slice(0, -1).filter(({ status }: JsonValue) => status === 'success');
    assert.deepEqual(early, [], `${record.request_id}: ran again after it had succeeded`);
    const attempts = record.attempts.map(({ number, status }: JsonValue) => [number, status]);
    assert.deepEqual(logged, attempts, `${record.request_id}: log and attempts differ`);
  }

  for (const [key, ids] of driven.byKey) {
    assert.equal(ids.size, 1, `${key} was answered with ${ids.size} invocations`);
    const [id = ''] = ids;
    const record = byId.get(id);
    const crashes = deathsOf(record);
    const read = await api.invoke(FUNCTION, commands({ op: 'cache_get', a: key }));
    const runs = Number(read.json.results[0]);
    if (driven.kills === 0) assert.ok(runs <= 1, `${key} ran ${runs} times without a crash`);
    assert.ok(runs <= 1 + crashes, `${key} ran ${runs} times under ${crashes} crashes`);
    if (record.state === 'success') assert.ok(runs >= 1, `${key} succeeded without a run`);
  }
}

/**
 * An event whose input publishes the next one, and so on, runs once per level down to the fifth.
 */
function checkEvents({ published, sent, deletes, kills, cancelled }: Driven, records: JsonValue[]): void {
  const isUndisturbed = deletes === 0 && cancelled.size === 0;
  for (let depth = 1; depth <= DEEPEST; depth += 1) {
    const runs = records.filter((one) => one.trigger === 'pubsub' && one.trigger_depth === depth).length;
    const due = published.filter((nested) => nested >= depth - 1).length;
    if (depth === 1) assert.ok(runs >= due, `${due} events, ${runs} runs`);
    if (depth === 1) assert.ok(runs <= sent, `${runs} runs of ${sent} events`);
    if (isUndisturbed) assert.ok(runs >= due, `${due} events of depth ${depth}, ${runs} runs`);
    if (isUndisturbed && kills === 0)
      assert.ok(runs <= due, `${runs} runs of ${due} events of depth ${depth}`);
  }
}

/**
 * Returns the records of all accepted and all listed invocations, or null if one cannot be read
 * yet: while the store is slow, a record may be in the backlog only.
 */
async function everyInvocation(api: Api, accepted: Iterable<string>): Promise<JsonValue[] | null> {
  const ids = new Set(accepted);
  let cursor: string | null = null;
  do {
    const page: JsonValue = (await api.get(`/v1/invocations?limit=100${cursor ? `&cursor=${cursor}` : ''}`))
      .json;
    for (const { request_id } of page.invocations) ids.add(request_id);
    cursor = page.next_cursor;
  } while (cursor);
  const replies = await Promise.all(Array.from(ids, (id) => api.get(`/v1/invocations/${id}`)));
  for (const { status, text } of replies) assert.notEqual(status, 404, `accepted and lost: ${text}`);
  return replies.every(({ status }) => status === 200) ? replies.map(({ json }) => json) : null;
}

function deathsOf({ attempts }: JsonValue): number {
  return attempts.filter(({ error }: JsonValue) => /^worker died/.test(error ?? '')).length;
}
