import { readFile } from 'node:fs/promises';
import test from 'ava';
import { createRedisBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import {
  BULLMQ_VERSION,
  checkBullScripts,
  type DefinedScripts,
} from '../../queues/drivers/redis/bull-checks.js';
import { bullFunction, checkStubs, STUBBED_COMMANDS } from '../../queues/drivers/redis/bull-functions.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';

type Scripts = Record<string, { lua: string; numberOfKeys: number }>;
let server: RedisServerProcess;
let defined: Scripts;

test.before(async () => {
  server = await startRedis();
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const queue = new Queue('any', { connection }, createRedisBackend);
  await queue.waitUntilReady();
  defined = Object.fromEntries(
    Object.entries<DefinedScripts[string]>(connection.scriptsSet).map(([name, { lua, numberOfKeys }]) => [
      name,
      { lua, numberOfKeys: Number(numberOfKeys) },
    ]),
  );
  await queue.close();
  connection.disconnect();
});
test.after.always(() => server.close());

const REFUSED = { code: 'bad_config', message: /not version 6\.7\.0 as published .* install .* "npm ci"/ };
const USED = [
  'addDelayedJob',
  'addPrioritizedJob',
  'moveStalledJobsToWait',
  'moveToActive',
  'moveToFinished',
  'removeJob',
  'moveJobFromActiveToWait',
];

/** Returns the scripts with this one changed. */
function changed(script: string, change: (one: Scripts[string]) => Partial<Scripts[string]>): Scripts {
  const name = `${script}:${BULLMQ_VERSION}`;
  const before = defined[name];
  if (before === undefined) throw new Error(`there is no ${name}`);
  return { ...defined, [name]: { ...before, ...change(before) } };
}

test('the installed BullMQ passes the script check, and package.json pins its exact version', async (t) => {
  t.notThrows(() => checkBullScripts(defined));
  // Bundled into the package, so it is a development dependency of the project.
  const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
  t.is(devDependencies.bullmq, BULLMQ_VERSION);
});

for (const [command] of STUBBED_COMMANDS) {
  test(`the script check rejects every script in which ${command} is changed`, (t) => {
    const having = USED.filter((script) => defined[`${script}:${BULLMQ_VERSION}`]?.lua.includes(command));
    t.true(having.length > 0, 'no script contains the command');
    for (const script of having) {
      const reworded = changed(script, ({ lua }) => ({ lua: lua.replaceAll(command, ` ${command}`) }));
      t.throws(() => checkBullScripts(reworded), REFUSED, script);
    }
  });
}

test('the script check rejects another number of keys, another version and a missing script', (t) => {
  for (const script of USED) {
    const fewer = changed(script, ({ numberOfKeys }) => ({ numberOfKeys: numberOfKeys - 1 }));
    t.throws(() => checkBullScripts(fewer), REFUSED, script);
    const renamed = Object.entries(defined).map(([name, one]) => [
      name.replace(`${script}:6.7.0`, `${script}:6.8.0`),
      one,
    ]);
    t.throws(() => checkBullScripts(Object.fromEntries(renamed)), REFUSED, script);
    const without = Object.entries(defined).filter(([name]) => !name.startsWith(`${script}:`));
    t.throws(() => checkBullScripts(Object.fromEntries(without)), REFUSED, script);
  }
});

test('the build fails if no used script contains a stubbed command, or if a script has no functions', (t) => {
  const texts = USED.map((script) => defined[`${script}:${BULLMQ_VERSION}`]?.lua ?? '');
  t.notThrows(() => checkStubs(texts));
  for (const [command] of STUBBED_COMMANDS) {
    const reworded = texts.map((lua) => lua.replaceAll(command, ` ${command.slice(1)}`));
    t.throws(() => checkStubs(reworded), { message: /No script of BullMQ that is used has the command/ });
  }
  t.throws(() => bullFunction('moveToActive', 'return 1'), {
    message: /moveToActive contains no function definitions/,
  });
});
