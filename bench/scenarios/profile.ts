import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { guest } from '../../test/helpers/guests.js';
import { heading, row } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, invokeOnce, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const TOP = 40;

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  /** In microseconds of the monotonic clock, which is also that of hrtime. */
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
type Profile = z.infer<typeof profileSchema>;

const microseconds = () => Number(process.hrtime.bigint() / 1000n);

/**
 * Prints where the main thread spends its time during sync invocations: all in one, 64 connections.
 */
export async function profile(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const dir = await mkdtemp(join(tmpdir(), 'orama-profile-'));
  try {
    const product = await startProduct({
      redisUrl: redis.url,
      nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${dir}`],
    });
    await deploy(product, 'rust', await guest('hello.rs'));
    await invokeOnce(product, 'rust', GREETING);
    await invokeLoad(product, 'rust', { connections: 64, ms: 4000 });
    const from = microseconds();
    const { perSecond } = await invokeLoad(product, 'rust', { connections: 64, ms: 8000 });
    const to = microseconds();
    await product.close();
    console.log(`\n${perSecond.toFixed(0)} invocations per second.`);
    print(await mainThread(dir), from, to);
  } finally {
    await rm(dir, { recursive: true, force: true });
    await redis.close();
  }
}

/**
 * Reads the main thread's profile: terminated guest threads write none, and those of other threads
 * are idle.
 */
async function mainThread(dir: string): Promise<Profile> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.cpuprofile'));
  const main = files.find((name) => /\.0\.\d+\.cpuprofile$/.test(name)) ?? files[0] ?? '';
  return profileSchema.parse(JSON.parse(await readFile(join(dir, main), 'utf8')));
}

function print({ nodes, startTime, samples, timeDeltas }: Profile, from: number, to: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ticks = new Map<number, number>();
  let now = startTime;
  samples.forEach((id, index) => {
    now += timeDeltas[index] ?? 0;
    if (now < from || now > to) return;
    ticks.set(id, (ticks.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const self = new Map<string, number>();
  const inFile = new Map<string, number>();
  const within = new Map<string, number>();
  let busy = 0;
  const add = (map: Map<string, number>, key: string, time: number) =>
    map.set(key, (map.get(key) ?? 0) + time);

  /** Adds up the time within each of the project's functions, counted once per stack. */
  const walk = (id: number, above: ReadonlySet<string>): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === '(idle)') return;
    const file = place(url);
    const name = `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
    const time = ticks.get(id) ?? 0;
    busy += time;
    add(self, name, time);
    add(inFile, file, time);
    const inside = new Set(above);
    if (!file.startsWith('node')) inside.add(name);
    for (const each of inside) add(within, each, time);
    for (const child of node.children ?? []) walk(child, inside);
  };
  walk(nodes[0]?.id ?? 0, new Set());

  for (const [title, map] of [
    ['Self time by file or package', inFile],
    ['Self time by function', self],
    ['Time within our functions', within],
  ] as const) {
    heading(`${title}, share of the main thread's busy time`, 'share', 'where');
    const sorted = [...map].sort((a, b) => b[1] - a[1]).slice(0, TOP);
    for (const [name, time] of sorted) row(`${((time * 100) / busy).toFixed(1)} %`, name);
  }
}

/**
 * Returns the file or package of a URL, such as `workers/pool.js`, `node_modules/bullmq` or
 * `node:http`.
 */
function place(url: string): string {
  if (url === '') return 'node (native)';
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  const dependency = /node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
  return dependency ?? relative(join(process.cwd(), 'dist'), path);
}
