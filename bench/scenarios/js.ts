import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildFunction } from '../../src/cli/build/build.js';
import { contentId, guestCall, runText } from '../../test/helpers/engine.js';
import { guest } from '../../test/helpers/guests.js';
import { openEngine } from '../../workers/engine/engine.js';
import { Guest } from '../../workers/wasm/run/guest.js';
import { createRunner } from '../../workers/wasm/run/runner.js';
import { choose } from '../../workers/wasm/warm/choose.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { heading, median, row } from '../figures.js';
import { session } from '../idle-session.js';

const RUNS = 1000;
/** The number of functions that are deployed at once, to measure the memory of each. */
const DEPLOYED = 1000;
const LIMIT_MB = 64;
const ITEMS = Array.from({ length: 80 }, (_, id) => ({
  id,
  name: `Name of ${id}`,
  email: `someone-${id}@mail.example.com`,
  tags: ['first', 'second', `tag-${id}`],
}));

const HELLO =
  "export default async (input: { name: string }) => ({ greeting: 'Hello, ' + input.name + '!' });";
const COMPARE = `import { z } from 'zod';
const schema = z.array(z.object({ id: z.number().int().min(0), name: z.string().min(2), email: z.email(), tags: z.array(z.string()).max(10) }));
const key = new TextEncoder().encode('secret');
const hex = (bytes: ArrayBuffer) => new Uint8Array(bytes).toHex();
export default {
  async fetch(request: Request) {
    const text = await request.text();
    const { op, name, items } = JSON.parse(text);
    switch (op) {
      case 'hello': return Response.json({ greeting: 'Hello, ' + name + '!' });
      case 'json': return Response.json(items);
      case 'validate': return Response.json(schema.parse(items).length);
      default: {
        const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
        return Response.json(hex(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text))));
      }
    }
  },
};`;

/** JavaScript functions compared with equivalent Go functions: one thread, including the reset. */
export async function js(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'orama-bench-'));
  try {
    await symlink(resolve('node_modules'), join(directory, 'node_modules'));
    const build = async (source: string) => {
      await writeFile(join(directory, 'index.ts'), source);
      const began = performance.now();
      const { file } = await buildFunction(directory, undefined);
      return { ms: performance.now() - began, wasm: await readFile(file) };
    };
    await measureBuilds(build);
    const [own, go] = [await build(COMPARE), await guest('compare.go')];
    heading('JavaScript beside Go, µs an invocation with its reset', 'work', 'JavaScript', 'Go', 'ratio');
    for (const op of ['hello', 'json', 'validate', 'hmac']) {
      const input = JSON.stringify(op === 'hello' ? { op, name: 'Ada' } : { op, items: ITEMS });
      const [ours, theirs] = [measure(own.wasm, input), measure(go, input)];
      const size = op === 'hello' ? '' : `, ${(input.length / 1024).toFixed(1)} KB`;
      row(`${op}${size}`, ours.toFixed(0), theirs.toFixed(0), (ours / theirs).toFixed(1));
    }
    await measureDeployed(directory, build);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Build = (source: string) => Promise<{ ms: number; wasm: Uint8Array }>;

async function measureBuilds(build: Build): Promise<void> {
  heading('Building', 'function', 'first, ms', 'after that, ms', 'module, MB');
  for (const [name, source] of [
    ['hello', HELLO],
    ['with zod', COMPARE],
  ] as const) {
    const first = await build(source);
    const later = [await build(source), await build(source), await build(source)].map(({ ms }) => ms);
    row(name, first.ms.toFixed(0), median(later).toFixed(0), (first.wasm.length / 2 ** 20).toFixed(2));
  }
}

/**
 * Measures the first invocations after a deploy, and the memory growth of the process per function.
 */
async function measureDeployed(directory: string, build: Build): Promise<void> {
  // In files, like in the engine: a gigabyte of modules in memory would hide the measured growth.
  const file = (index: number) => join(directory, `${index}.wasm`);
  for (let index = 0; index <= DEPLOYED; index++) {
    await writeFile(file(index), (await build(HELLO.replace('Hello', `Hello ${index}`))).wasm);
  }
  const engine = openEngine();
  const call = (wasm: Uint8Array) => runText(engine, wasm, '{"name":"Ada"}', { warmStart: 'reactor' });
  // Initializes what all functions share: threads and compiled code.
  const first = await readFile(file(DEPLOYED));
  for (let index = 0; index < 50; index++) await call(first);
  const before = process.memoryUsage.rss();
  const [cold, warm]: [number[], number[]] = [[], []];
  for (let index = 0; index < DEPLOYED; index++) {
    const wasm = await readFile(file(index));
    await engine.prepare(guestCall(wasm, '', { warmStart: 'reactor', memoryLimitMb: LIMIT_MB }));
    // About the time that the reply of a deploy takes.
    await delay(2);
    for (const times of [cold, warm]) {
      const began = performance.now();
      await call(wasm);
      times.push(performance.now() - began);
    }
  }
  const each = (process.memoryUsage.rss() - before) / DEPLOYED / 1024;
  heading(`${DEPLOYED} deployed functions`, 'first call, ms', 'second, ms', 'memory a function, KB');
  row(median(cold).toFixed(2), median(warm).toFixed(2), each.toFixed(0));
  await engine.close();
}

function measure(wasm: Uint8Array, input: string): number {
  const source = readSource(wasm, LIMIT_MB);
  const { program } = choose(source, createFreshProgram(source), contentId(wasm), 'probe');
  const guest = new Guest();
  const runner = createRunner(program, guest);
  const bytes = new TextEncoder().encode(input);
  const times: number[] = [];
  for (let index = 0; index < RUNS; index++) {
    const began = performance.now();
    guest.begin(program, session(bytes));
    const { error } = runner.run();
    runner.reset();
    times.push((performance.now() - began) * 1000);
    if (error !== null) throw new Error(error);
  }
  return median(times.slice(RUNS / 5));
}
