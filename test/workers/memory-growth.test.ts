import { Worker } from 'node:worker_threads';
import test from 'ava';
import { RESOURCE_LIMITS } from '../../workers/threads/guest-thread.js';

const SCRIPT = `
  const { PerformanceObserver, constants } = require('node:perf_hooks');
  const { parentPort, workerData } = require('node:worker_threads');
  let collections = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries())
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
  }).observe({ entryTypes: ['gc'] });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: workerData.pages });
  for (let page = 1; page < workerData.pages; page++) memory.grow(1);
  setTimeout(() => parentPort.postMessage(collections), 100);
`;

test('a guest thread does not collect garbage for each page by which a guest grows to the largest memory', async (t) => {
  const pages = 4096;
  const worker = new Worker(SCRIPT, {
    eval: true,
    workerData: { pages },
    resourceLimits: RESOURCE_LIMITS,
  });
  const collections = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  t.true(collections < pages / 4, `${collections} collections for ${pages} pages`);
});
