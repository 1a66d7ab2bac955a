/**
 * Runs the benchmarks: `npm run bench -- [--fsync=always|everysec] [--invocations=200000]
 * [scenario…]`. Compare only figures of the same run, because the load of the machine affects all
 * of them.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { cold } from './scenarios/cold.js';
import { embedded } from './scenarios/embedded.js';
import { events } from './scenarios/events.js';
import { fairness } from './scenarios/fairness.js';
import { fanOut } from './scenarios/fan-out.js';
import { growth } from './scenarios/growth.js';
import { hostCalls } from './scenarios/host-calls.js';
import { http } from './scenarios/http.js';
import { js } from './scenarios/js.js';
import { logCost } from './scenarios/log-cost.js';
import { memory } from './scenarios/memory.js';
import { profile } from './scenarios/profile.js';
import { resolve } from './scenarios/resolve.js';
import { scale } from './scenarios/scale.js';
import type { Scenario } from './scenarios/setting.js';
import { sync } from './scenarios/sync.js';

/** Returns a scenario that runs a benchmark with its own entry point. */
const program =
  (name: string, ...args: string[]): Scenario =>
  async () => {
    const child = spawn(process.execPath, [`dist/bench/${name}.js`, ...args], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`bench/${name} ended with ${code}`);
  };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  sync,
  async: events,
  logcost: logCost,
  fanout: fanOut,
  fairness,
  hostcalls: hostCalls,
  http,
  cold,
  embedded,
  js,
  memory,
  growth,
  scale,
  resolve,
  runtime: program('runtime'),
  logs: program('logs', '1'),
  queue: program('queue', '0.7'),
  profile,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fsync: { type: 'string', default: 'always' },
    invocations: { type: 'string', default: '200000' },
  },
});
const fsync = values.fsync === 'everysec' ? 'everysec' : 'always';
const unknown = positionals.filter((name) => SCENARIOS[name] === undefined);
if (unknown.length > 0) {
  console.error(`No scenario ${unknown.join(', ')}; there are ${Object.keys(SCENARIOS).join(', ')}.`);
  process.exit(2);
}

const load = () => `load average ${loadavg()[0]?.toFixed(1)}`;
const version = (name: string) => createRequire(import.meta.url)(`${name}/package.json`).version;
const redis = /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];
console.log(
  `${new Date().toISOString().slice(0, 16)}Z, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, ` +
    `BullMQ ${version('bullmq')}, Redis ${redis} with appendonly yes, appendfsync ${fsync}.`,
);
for (const name of positionals.length > 0 ? positionals : Object.keys(SCENARIOS)) {
  console.log(`\n## ${name} (${load()})`);
  await SCENARIOS[name]?.({ fsync, invocations: Number(values.invocations) });
  console.log(`\n(${load()} at its end)`);
}
