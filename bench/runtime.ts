/**
 * Measures the cost of an invocation, as ratios within one run: `node dist/bench/runtime.js`.
 * Compare rows of one table and not of several, because all figures depend on the machine.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { WarmStart } from '../src/contract/function.js';
import type { FunctionName } from '../src/contract/ids.js';
import { contentId, guestCall, runText } from '../test/helpers/engine.js';
import { guest, missingCompiler } from '../test/helpers/guests.js';
import { openEngine } from '../workers/engine/engine.js';
import { Guest } from '../workers/wasm/run/guest.js';
import type { Program } from '../workers/wasm/run/program.js';
import { createRunner } from '../workers/wasm/run/runner.js';
import { choose } from '../workers/wasm/warm/choose.js';
import { createFreshProgram } from '../workers/wasm/warm/fresh.js';
import { readSource } from '../workers/wasm/warm/source.js';
import { session } from './idle-session.js';

const microseconds = () => Number(process.hrtime.bigint()) / 1000;
const at = (sorted: readonly number[], part: number) => sorted[Math.floor(sorted.length * part)] ?? 0;

interface Sample {
  median: number;
  p99: number;
}
function sample(times: number[]): Sample {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: at(sorted, 0.5), p99: at(sorted, 0.99) };
}
function row(...cells: (string | number)[]): void {
  console.log(
    `| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(cell < 10 ? 1 : 0) : cell)).join(' | ')} |`,
  );
}

/** Measures the reply and the total time (including the reset) of a program on one thread. */
function measure(program: Program, input: Uint8Array, runs: number): { reply: Sample; whole: Sample } {
  const guest = new Guest();
  const runner = createRunner(program, guest);
  const reply: number[] = [];
  const whole: number[] = [];
  for (let index = 0; index < runs * 1.25; index++) {
    const began = microseconds();
    guest.begin(program, session(input));
    const { error } = runner.run();
    const replied = microseconds();
    runner.reset();
    const ended = microseconds();
    if (error !== null) throw new Error(error);
    if (index < runs / 4) continue;
    reply.push(replied - began);
    whole.push(ended - began);
  }
  return { reply: sample(reply), whole: sample(whole) };
}

/**
 * Measures the minimum: instantiating the uploaded module and calling its entry, with the same
 * imports.
 */
function measureBare(wasm: Uint8Array, fresh: Program, input: Uint8Array, runs: number): Sample {
  const module = new WebAssembly.Module(wasm);
  const surroundings = new Guest();
  const times: number[] = [];
  for (let index = 0; index < runs * 1.25; index++) {
    surroundings.begin(fresh, session(input));
    const began = microseconds();
    const instance = new WebAssembly.Instance(module, surroundings.imports);
    surroundings.attach(instance);
    try {
      const {
        _start,
        _initialize,
        orama_alloc: allocate,
        handle,
      } = instance.exports as Record<string, (...args: number[]) => number>;
      if (_start !== undefined) _start();
      else {
        _initialize?.();
        handle?.(allocate?.(input.length) ?? 0, 0);
      }
    } catch {
      // A command ends with an exception.
    }
    if (index >= runs / 4) times.push(microseconds() - began);
  }
  return sample(times);
}

async function strategies(): Promise<void> {
  console.log('\nOne invocation on one thread, microseconds\n');
  row('guest', 'how', 'reply median', 'reply p99', 'with reset median', 'with reset p99', 'to bare');
  row('---', '---', '---', '---', '---', '---', '---');
  for (const [source, input, runs] of [
    ['hello.rs', '{"name":"World"}', 3000],
    ['hello.c', '{"name":"World"}', 3000],
    ['host.as.ts', '', 3000],
    ['kitchen.reactor.c', 'World', 3000],
    ['kitchen.go', '{"name":"World"}', 400],
    ['kitchen.reactor.go', '{"name":"World"}', 400],
  ] as const) {
    const missing = await missingCompiler(source);
    if (missing !== null) {
      row(source, `needs ${missing}`);
      continue;
    }
    const wasm = await guest(source);
    const bytes = new TextEncoder().encode(input);
    const ground = readSource(wasm, 64);
    const fresh = createFreshProgram(ground);
    const { program } = choose(ground, fresh, 'bench', 'probe');
    const bare = measureBare(wasm, fresh, bytes, runs);
    row(source, 'bare instance + call', bare.median, bare.p99, bare.median, bare.p99, 1);
    for (const each of program === fresh ? [fresh] : [fresh, program]) {
      const { reply, whole } = measure(each, bytes, runs);
      row(
        source,
        each.strategy,
        reply.median,
        reply.p99,
        whole.median,
        whole.p99,
        whole.median / bare.median,
      );
    }
  }
}

async function hostCalls(): Promise<void> {
  const engine = openEngine({ threads: 1, parked: 0 });
  const wasm = await guest('kitchen.c');
  const times: number[] = [];
  const host = { cache_get: () => Promise.resolve(null) };
  for (let round = 0; round < 12; round++) {
    const { durationMs } = await runText(engine, wasm, 'many-gets 2000', { host });
    if (round > 1) times.push((durationMs * 1000) / 2000);
  }
  console.log(`\nHost call round trip: median of rounds ${sample(times).median.toFixed(1)} us`);
  await engine.close();
}

async function pools(): Promise<void> {
  const wasm = await guest('kitchen.c');
  const rates: number[] = [];
  for (const threads of [1, 2, 1, 2]) {
    const engine = openEngine({ threads, parked: 0 });
    const call = guestCall(wasm, 'spin 3000');
    await Promise.all(Array.from({ length: 8 }, () => engine.run(call)));
    let left = 150;
    const began = performance.now();
    const one = async () => {
      while (left-- > 0) await engine.run({ ...call });
    };
    await Promise.all(Array.from({ length: 8 }, one));
    rates.push(150_000 / (performance.now() - began));
    await engine.close();
  }
  const [a = 0, b = 0, c = 0, d = 0] = rates;
  console.log(
    `\nPool, guests that compute: one thread ${((a + c) / 2).toFixed(0)}/s, two ${((b + d) / 2).toFixed(0)}/s, ratio ${((b + d) / (a + c)).toFixed(2)}`,
  );
}

async function kills(): Promise<void> {
  const engine = openEngine({ threads: 1, parked: 0 });
  const wasm = await guest('kitchen.c');
  await runText(engine, wasm, 'echo');
  const late: number[] = [];
  for (let round = 0; round < 30; round++) {
    const { durationMs } = await runText(engine, wasm, 'loop', { timeoutMs: 100 });
    late.push(durationMs - 100);
    await delay(100);
  }
  const { median, p99 } = sample(late);
  console.log(
    `\nKill of an endless loop after its time is up: median ${median.toFixed(1)} ms, most ${p99.toFixed(1)} ms`,
  );
  await engine.close();
}

async function parking(): Promise<void> {
  const engine = openEngine({ threads: 2, parked: 64 });
  const wasm = await guest('kitchen.c');
  await runText(engine, wasm, 'echo');
  await delay(2000);
  let computed = 0;
  let done = false;
  const beside = (async () => {
    while (!done) {
      await runText(engine, wasm, 'spin 200');
      computed++;
    }
  })();
  const began = performance.now();
  await Promise.all(Array.from({ length: 64 }, () => runText(engine, wasm, 'sleep 1000')));
  const took = performance.now() - began;
  done = true;
  await beside;
  console.log(
    `\n64 guests that sleep 1 s, two threads: all done after ${took.toFixed(0)} ms, ${computed} computing guests beside them`,
  );
  await engine.close();
}

async function whole(): Promise<void> {
  console.log('\nThrough the engine, 16 at once\n');
  row('guest', 'how', 'invocations/s', 'latency median us', 'main thread us each');
  row('---', '---', '---', '---', '---');
  for (const [source, warmStart, input] of [
    ['hello.rs', 'fresh', '{"name":"World"}'],
    ['kitchen.go', 'fresh', '{"name":"World"}'],
    ['kitchen.go', 'go-command', '{"name":"World"}'],
  ] satisfies [string, WarmStart, string][]) {
    const engine = openEngine({ threads: 2, parked: 0 });
    const wasm = await guest(source);
    const call = guestCall(wasm, input, {
      warmStart,
      cid: contentId(wasm),
      functionName: 'bench' as FunctionName,
    });
    for (let warmUp = 0; warmUp < 100; warmUp++) await engine.run(call);
    const times: number[] = [];
    const total = warmStart === 'fresh' && source.endsWith('.go') ? 600 : 6000;
    let left = total;
    const before = performance.eventLoopUtilization();
    const began = performance.now();
    const one = async () => {
      while (left-- > 0) {
        const from = microseconds();
        await engine.run({ ...call });
        times.push(microseconds() - from);
      }
    };
    await Promise.all(Array.from({ length: 16 }, one));
    const { active } = performance.eventLoopUtilization(before);
    row(
      source,
      warmStart,
      (total * 1000) / (performance.now() - began),
      sample(times).median,
      (active * 1000) / total,
    );
    await engine.close();
  }
}

await strategies();
await whole();
await hostCalls();
await pools();
await kills();
await parking();
