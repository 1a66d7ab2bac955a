/**
 * Runs two web processes and two workers under mixed load for minutes, kills one of them with
 * SIGKILL every few seconds and starts it again. Every acknowledged event must run and be logged:
 * `npm run soak -- --minutes 10`
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClusterProcess, startCluster, type WebProcess } from '../test/helpers/cluster.js';
import { commands, probeWasm } from '../test/helpers/probe.js';

const KILL_EVERY_MS = 10_000;
const SETTLE_MS = 120_000;
const PAUSE_MS = 40;
/** Counts runs across processes. */
const COUNT = { op: 'cache_incr', a: 'ran', n: 1 };

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const end = Date.now() + Number(values.minutes) * 60_000;

const cluster = await startCluster({ LOG_LEVEL: 'error' });
const webs: WebProcess[] = await Promise.all([cluster.web(), cluster.web()]);
const workers: ClusterProcess[] = await Promise.all([cluster.worker(), cluster.worker()]);
const wasm = await probeWasm();
const triggers = { triggers: [{ topic: 'soak' }] };
for (const [name, metadata] of [
  ['events', triggers],
  ['calls', {}],
] as const) {
  const { status, text } = await entry().api.deploy(name, wasm, { metadata: JSON.stringify(metadata) });
  if (status !== 201) throw new Error(text);
}

/**
 * Accepted async invocations by id, and accepted events by a unique name, which they return,
 * because their ids are unknown.
 */
const acceptedIds = new Set<string>();
const acceptedEvents = new Set<string>();
const calls = { answered: 0, refused: 0, broken: 0 };
let kills = 0;
const rssAtStart = await rss();

const load = [publisher(), publisher(), sender(), caller(), caller()];
while (Date.now() < end) {
  await sleep(Math.min(KILL_EVERY_MS, Math.max(0, end - Date.now())));
  if (Date.now() < end) await killOne();
}
await Promise.all(load);
const missing = await settle();
const rssAtEnd = await rss();

const runs = (await entry().api.invoke('calls', commands({ ...COUNT, n: 0 }))).json.results[0];
const accepted = acceptedIds.size + acceptedEvents.size;
console.log(`accepted ${accepted} (${acceptedEvents.size} events), kills ${kills}`);
console.log(`executed ${runs} times, logged ${accepted - missing.length}, lost ${missing.length}`);
console.log(
  `sync calls: ${calls.answered} answered, ${calls.refused} refused; requests that met a killed web: ${calls.broken}`,
);
console.log(`RSS in MB: ${rssAtStart.join(' ')} at the start, ${rssAtEnd.join(' ')} at the end`);
for (const name of missing.slice(0, 10)) console.log(`lost: ${name}`);
await cluster.close();
process.exitCode = missing.length > 0 ? 1 : 0;

async function publisher(): Promise<void> {
  await repeat(async (web) => {
    const name = crypto.randomUUID();
    const { status } = await web.api.publish('soak', [
      { op: 'sleep', n: 20 },
      COUNT,
      { op: 'echo', a: name },
    ]);
    if (status === 200) acceptedEvents.add(name);
  });
}

async function sender(): Promise<void> {
  await repeat(async (web) => {
    const { status, json } = await web.api.invoke('calls', commands(COUNT), {
      prefer: 'respond-async',
    });
    if (status === 202) acceptedIds.add(json.request_id);
  });
}

async function caller(): Promise<void> {
  await repeat(async (web) => {
    const { status } = await web.api.invoke('calls', commands({ op: 'echo', a: 'x' }));
    if (status === 200) calls.answered += 1;
    else calls.refused += 1;
  });
}

/**
 * Repeats a request on a random web process until the end. A request that a kill interrupted was
 * not acknowledged.
 */
async function repeat(request: (web: WebProcess) => Promise<void>): Promise<void> {
  while (Date.now() < end) {
    const web = webs[Math.floor(Math.random() * webs.length)];
    if (web) {
      await request(web).catch(() => {
        calls.broken += 1;
      });
    }
    await sleep(PAUSE_MS);
  }
}

async function killOne(): Promise<void> {
  const at = Math.floor(Math.random() * 4);
  kills += 1;
  if (at < 2) {
    await webs[at]?.kill9();
    webs[at] = await cluster.web();
  } else {
    await workers[at - 2]?.kill9();
    workers[at - 2] = await cluster.worker();
  }
}

/** Resolves with accepted invocations that are not in a log after the queue had time to drain. */
async function settle(): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const logged = new Set([...(await logsOf('events')), ...(await logsOf('calls'))]);
    const left = [...acceptedIds, ...acceptedEvents].filter((name) => !logged.has(name));
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(1000);
  }
}

/** Returns the current first web process; a killed one is replaced. */
function entry(): WebProcess {
  const [web] = webs;
  if (!web) throw new Error('no web process');
  return web;
}

/** Resolves with the request ids and the outputs of all successful invocations, from all pages. */
async function logsOf(name: string): Promise<string[]> {
  const found: string[] = [];
  let cursor = '';
  do {
    const { json, text } = await entry().api.get(
      `/v1/invocations?function=${name}&status=success&limit=100${cursor}`,
    );
    if (!json?.invocations) throw new Error(text);
    for (const { request_id, output } of json.invocations) {
      found.push(request_id, JSON.parse(output).results.at(-1));
    }
    cursor = json.next_cursor === null ? '' : `&cursor=${encodeURIComponent(json.next_cursor)}`;
  } while (cursor !== '');
  return found;
}

async function rss(): Promise<number[]> {
  const sizes = [...webs, ...workers].map(async ({ pid }) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  });
  return Promise.all(sizes);
}
