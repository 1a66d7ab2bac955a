// Measures the console for docs/performance.md: `node scripts/console-figures.mjs`, after a build,
// on an idle machine.
const { findChromium, launchBrowser, openPage, openWindow, signIn } = await import(
  '../dist/test/helpers/browser.js'
);
const { startEngine } = await import('../dist/test/helpers/running-engine.js');
const { probeWasm } = await import('../dist/test/helpers/probe.js');
const { median, processorMs } = await import('../dist/bench/figures.js');

const THROTTLE = 4;
const FIRST_VIEWS = 5;
const RUNS_PER_SECOND = 500;
const LIVE_SECONDS = 10;
const SYNC_SECONDS = 5;
const SYNC_CALLERS = 32;
const SYNC_ROUNDS = 7;

const program = findChromium();
if (program === null) throw new Error('chromium: not found, nothing measured');
const engine = await startEngine();
const browser = await launchBrowser(program);
try {
  await engine.api.deploy('probe', await probeWasm());
  await engine.api.invoke('probe', '[]');
  console.log(`first view, ${THROTTLE} × CPU throttling: ${await firstViews()} ms (median, most)`);
  console.log(`live list at ${RUNS_PER_SECOND} runs/s: ${await liveList()}`);
  console.log(`sync calls: ${await syncRates()}`);
} finally {
  await browser.close();
  await engine.close();
}

/**
 * Measures the time from the navigation until the figures of the overview are visible, without
 * caches.
 */
async function firstViews() {
  const times = [];
  for (let view = 0; view < FIRST_VIEWS; view++) {
    const context = await openWindow(browser);
    const { page } = await openPage(context);
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
    const { json } = await engine.api.post('/v1/auth/console-links', {});
    const from = performance.now();
    await page.goto(`${engine.url}/console#token=${json.token}`);
    await page.getByRole('list', { name: 'Figures' }).waitFor();
    times.push(performance.now() - from);
    await context.close();
  }
  times.sort((a, b) => a - b);
  return [times[Math.floor(times.length / 2)], times.at(-1)].map((ms) => ms.toFixed(0)).join(', ');
}

/** Records the page's tasks over 50 ms while it follows the list of invocations. */
async function liveList() {
  const context = await openWindow(browser);
  const { page } = await openPage(context);
  await page.addInitScript(`window.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longTasks.push(duration);
    }).observe({ type: 'longtask' });`);
  await signIn(page, engine.api, '/invocations');
  await page.locator('table').waitFor();
  await page.evaluate('window.longTasks.length = 0');
  const { called, seconds } = await load(RUNS_PER_SECOND, LIVE_SECONDS);
  const tasks = await page.evaluate('window.longTasks');
  await context.close();
  const most =
    tasks.length === 0 ? 'none' : `${tasks.length}, the longest ${Math.max(...tasks).toFixed(0)} ms`;
  return `${(called / seconds).toFixed(0)} runs/s, long tasks: ${most}`;
}

/** Invokes the function at a constant rate. */
async function load(rate, seconds) {
  const from = performance.now();
  const pending = new Set();
  let called = 0;
  while (performance.now() - from < seconds * 1000) {
    const due = Math.floor(((performance.now() - from) / 1000) * rate);
    while (called < due && pending.size < 128) {
      called += 1;
      const call = engine.api.invoke('probe', '[]').finally(() => pending.delete(call));
      pending.add(call);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(pending);
  return { called, seconds: (performance.now() - from) / 1000 };
}

/**
 * Measures the maximum rate of sync calls and the engine's processor time for each, in turns with
 * and without an open console.
 */
async function syncRates() {
  const without = [];
  const withOne = [];
  await callAll(2);
  for (let round = 0; round < SYNC_ROUNDS; round++) {
    without.push(await callAll(SYNC_SECONDS));
    const stop = await followList();
    withOne.push(await callAll(SYNC_SECONDS));
    stop();
  }
  const more = (of) => percent(withOne.map((run, round) => of(run) / of(without[round]) - 1));
  return [
    `${median(without.map((run) => run.rate)).toFixed(0)}/s`,
    `with one console open ${median(withOne.map((run) => run.rate)).toFixed(0)}/s`,
    `rate ${more((run) => run.rate)}`,
    `processor time of each ${more((run) => run.cpu)}`,
  ].join(', ');
}

function percent(shares) {
  const [middle, least, most] = [median(shares), Math.min(...shares), Math.max(...shares)];
  const show = (share) => `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)}`;
  return `${show(middle)} % (${show(least)} to ${show(most)})`;
}

/** Sends the requests of an open console, without a browser that would use CPU time. */
async function followList() {
  const control = new AbortController();
  const headers = { 'x-api-key': engine.adminKey };
  const { signal } = control;
  const response = await fetch(`${engine.url}/v1/invocations?follow=true&limit=50`, { headers, signal });
  const read = async () => {
    for await (const _ of response.body);
  };
  read().catch(() => undefined);
  const ask = () => {
    for (const path of ['/v1/stats?window=1h', '/v1/status']) {
      fetch(engine.url + path, { headers, signal })
        .then((reply) => reply.text())
        .catch(() => undefined);
    }
  };
  const timer = setInterval(ask, 5000);
  return () => {
    clearInterval(timer);
    control.abort();
  };
}

async function callAll(seconds) {
  const from = performance.now();
  const cpuFrom = await processorMs([engine.pid]);
  let called = 0;
  const caller = async () => {
    while (performance.now() - from < seconds * 1000) {
      await engine.api.invoke('probe', '[]');
      called += 1;
    }
  };
  await Promise.all(Array.from({ length: SYNC_CALLERS }, caller));
  const elapsed = (performance.now() - from) / 1000;
  return { rate: called / elapsed, cpu: ((await processorMs([engine.pid])) - cpuFrom) / called };
}
